// SPDX-License-Identifier: Apache-2.0
// The pass of a sampler on a GPU: a thread for four elements; a block for a strip where errors are summed.
#include "cuda/ode/step.h"

#include "cuda/core/launch.cuh"
#include "ode/step_quad.hd.h"

namespace fastcv::cuda::ode {
namespace {

using fastcv::ode::kStrip;
using fastcv::ode::Pass;

constexpr int kQuads = kStrip / 4, kSums = 16;

// One strip a block: sixteen sums side by side, then one, in the order of the CPU.
template <class T>
__global__ __launch_bounds__(kQuads) void strip_kernel(gpu::StepQuad<T> work) {
  __shared__ double errors[kStrip], sums[kSums];
  const std::int64_t strips = work.pass.strips(), b = blockIdx.x / strips, strip = blockIdx.x % strips;
  double mine[4] = {};
  const std::int64_t q = strip * kQuads + threadIdx.x;
  if (q < work.quads()) work.run(b, q, mine);
  for (int j = 0; j < 4; ++j) errors[4 * threadIdx.x + j] = mine[j];
  __syncthreads();
  if (threadIdx.x < kSums) {
    double sum = 0;
    for (int i = threadIdx.x; i < kStrip; i += kSums) sum += errors[i] * errors[i];
    sums[threadIdx.x] = sum;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    double total = 0;
    for (int j = 0; j < kSums; ++j) total += sums[j];
    work.pass.partial[blockIdx.x] = total;
  }
}

struct NormOne {
  Pass pass;
  __device__ void operator()(std::int64_t b) const {
    double sum = 0;
    for (std::int64_t s = 0; s < pass.strips(); ++s) sum += pass.partial[b * pass.strips() + s];
    pass.norms[b] = sqrt(sum / static_cast<double>(pass.size));
  }
};

template <class T>
void run(const Pass& pass, cudaStream_t stream) {
  const gpu::StepQuad<T> work{pass};
  if (pass.norms == nullptr) return for_each(pass.samples * work.quads(), work, stream);
  const std::int64_t blocks = pass.samples * pass.strips();
  check(blocks <= 0x7fffffff ? cudaSuccess : cudaErrorInvalidConfiguration, "step");
  if (blocks > 0) strip_kernel<T><<<static_cast<unsigned>(blocks), kQuads, 0, stream>>>(work);
  check(cudaGetLastError(), "step");
  for_each(pass.samples, NormOne{pass}, stream);
}

}  // namespace

void step(const Pass& pass, cudaStream_t stream) {
  if (pass.is_double()) {
    run<double>(pass, stream);
  } else {
    run<float>(pass, stream);
  }
}

}  // namespace fastcv::cuda::ode
