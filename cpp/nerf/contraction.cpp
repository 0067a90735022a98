// SPDX-License-Identifier: Apache-2.0
// Splits points over threads.
#include "nerf/contraction.h"

#include "core/parallel.h"
#include "nerf/contraction.hd.h"

namespace fastcv::nerf {
namespace {

template <class One>
void for_each_point(std::int64_t rows, const One& one, int num_threads) {
  parallel_for(rows, 1 << 13, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) one(i);
  });
}

}  // namespace

template <class T>
void contract(const Contraction& c, const ContractionPoints<T>& in, T* out, int num_threads) {
  if (in.tangents == nullptr) {
    for_each_point(in.rows, generic::ContractOne<double, T>{c, in, out}, num_threads);
  } else {
    for_each_point(in.rows, generic::ContractOne<generic::Dual, T>{c, in, out}, num_threads);
  }
}

template <class T>
void contract_vjp(const Contraction& c, const ContractionPoints<T>& in, const T* grad, T* out, int num_threads) {
  if (in.tangents == nullptr) {
    for_each_point(in.rows, generic::ContractVjpOne<double, T>{c, in, grad, out}, num_threads);
  } else {
    for_each_point(in.rows, generic::ContractVjpOne<generic::Dual, T>{c, in, grad, out}, num_threads);
  }
}

#define FASTCV_INSTANTIATE(T)                                                       \
  template void contract(const Contraction&, const ContractionPoints<T>&, T*, int); \
  template void contract_vjp(const Contraction&, const ContractionPoints<T>&, const T*, T*, int);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::nerf
