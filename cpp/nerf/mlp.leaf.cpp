// SPDX-License-Identifier: Apache-2.0
// Networks over rows of points. Compiled once per instruction set; a product and its sum are one operation where the
// processor has it, without which half of what it can do is lost. So values differ in the last bits from one
// instruction set to another, but not with the number of threads.
#pragma GCC optimize("fp-contract=fast")

#include "nerf/mlp_lanes.hd.h"
#include "nerf/mlp_task.h"
// The declarations come after what they mention.
#include "nerf/mlp.leaf.h"

namespace fastcv::FASTCV_ISA::nerf {
namespace {

using fastcv::nerf::kMlpPoints;
using fastcv::nerf::MlpReal;
using fastcv::nerf::MlpTask;

template <class T>
MlpBlock<MlpLanes<MlpReal<T>>> block_of(const MlpTask<T>& task, bool keeps) {
  return {{}, {task.net}, task.weights, task.weight_tangents, task.arrays.along(), keeps, kMlpPoints, task.work};
}

}  // namespace

template <class T>
void mlp(const MlpTask<T>& task, T* out) {
  mlp_rows(block_of(task, false), task.arrays, task.begin, task.end, out);
}

template <class T>
void mlp_vjp(const MlpTask<T>& task, const T* grad, T* by_inputs, MlpReal<T>* sums) {
  mlp_rows_vjp(block_of(task, true), task.arrays, task.begin, task.end, grad, by_inputs, sums);
}

#define FASTCV_INSTANTIATE(T)               \
  template void mlp(const MlpTask<T>&, T*); \
  template void mlp_vjp(const MlpTask<T>&, const T*, T*, MlpReal<T>*);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
FASTCV_INSTANTIATE(Half)
FASTCV_INSTANTIATE(Bfloat)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::FASTCV_ISA::nerf
