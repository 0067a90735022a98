// SPDX-License-Identifier: Apache-2.0
// Soft carving on a GPU, one thread a voxel; of a gradient, one a voxel and view, which adds whole numbers atomically.
#include "cuda/voxels/carve_soft.h"

#include "cuda/core/launch.cuh"
#include "voxels/soft_voxel.hd.h"

namespace fastcv::cuda::voxels {
namespace {

using Sum = unsigned long long;  // of two's complement

template <class T>
struct Probability {
  gpu::SoftVoxel<T> voxel;
  T* out;
  FASTCV_HD void operator()(std::int64_t i) const { out[i] = static_cast<T>(gpu::probability(voxel.odds(i))); }
};

// The largest size of a weight, as the bits of a double: those of positive numbers are in order.
template <class T>
struct Weigh {
  gpu::SoftVoxel<T> voxel;
  const T* grad;
  T* weights;
  Sum* largest;
  __device__ void operator()(std::int64_t i) const {
    const T weight = static_cast<T>(double(grad[i]) * gpu::probability_slope(voxel.odds(i)));
    weights[i] = weight;
    if (weight != 0) atomicMax(largest, static_cast<Sum>(gpu::bits_of(double(weight < 0 ? -weight : weight))));
  }
};

// Units in a number of size 1: a power of two, so that num_voxels times the largest summand stay below 2^62.
__device__ double units(const Sum* largest, double largest_slope, std::int64_t num_voxels) {
  int exponent;
  frexp(gpu::from_bits(static_cast<std::int64_t>(*largest)) * largest_slope * double(num_voxels), &exponent);
  return ldexp(1.0, 62 - exponent);
}

template <class T>
struct Scatter {
  gpu::SoftVoxel<T> voxel;
  const T* weights;
  const Sum* largest;
  Sum* sums;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t num_voxels = voxel.c.num_voxels(), view = i / num_voxels;
    const double weight = weights[i % num_voxels];
    const gpu::Sample<double> s = voxel.at(view, i % num_voxels);
    if (weight == 0 || !s.seen) return;
    const gpu::Likelihoods likelihoods(voxel.c.sensor);
    const double g = weight * likelihoods.slope(s.value) * units(largest, likelihoods.largest_slope(), num_voxels);
    Sum* pixel = sums + voxel.c.layout[view * fastcv::voxels::kSoftLayout + 2] + s.first;
    const auto add = [](Sum* sum, double value) { atomicAdd(sum, static_cast<Sum>(llrint(value))); };
    add(pixel, (1 - s.x) * ((1 - s.y) * g));
    add(pixel + s.right, s.x * ((1 - s.y) * g));
    add(pixel + s.down, (1 - s.x) * (s.y * g));
    add(pixel + s.down + s.right, s.x * (s.y * g));
  }
};

template <class T>
struct Finish {
  fastcv::voxels::SoftCarving<T> carving;
  const Sum* largest;
  const Sum* sums;
  T* out;
  __device__ void operator()(std::int64_t i) const {
    const double weight = gpu::from_bits(static_cast<std::int64_t>(*largest));
    const double scale = units(largest, gpu::Likelihoods(carving.sensor).largest_slope(), carving.num_voxels());
    out[i] = static_cast<T>(isfinite(weight) ? double(static_cast<std::int64_t>(sums[i])) / scale : nan(""));
  }
};

}  // namespace

template <class T>
void carve_soft(const SoftCarving<T>& carving, T* out, cudaStream_t stream) {
  for_each(carving.num_voxels(), Probability<T>{{carving}, out}, stream);
}

template <class T>
void carve_soft_vjp(const SoftCarving<T>& carving, const T* grad, T* weights, View<T, 1> out, cudaStream_t stream) {
  const std::int64_t pixels = out.shape[0];
  Sum* sums = nullptr;  // and the largest weight behind them
  check(cudaMallocAsync(&sums, sizeof(Sum) * (pixels + 1), stream), "cudaMallocAsync");
  check(cudaMemsetAsync(sums, 0, sizeof(Sum) * (pixels + 1), stream), "cudaMemsetAsync");
  Sum* largest = sums + pixels;
  for_each(carving.num_voxels(), Weigh<T>{{carving}, grad, weights, largest}, stream);
  for_each(carving.count * carving.num_voxels(), Scatter<T>{{carving}, weights, largest, sums}, stream);
  for_each(pixels, Finish<T>{carving, largest, sums, out.data}, stream);
  check(cudaFreeAsync(sums, stream), "cudaFreeAsync");
}

template void carve_soft(const SoftCarving<float>&, float*, cudaStream_t);
template void carve_soft(const SoftCarving<double>&, double*, cudaStream_t);
template void carve_soft_vjp(const SoftCarving<float>&, const float*, float*, View<float, 1>, cudaStream_t);
template void carve_soft_vjp(const SoftCarving<double>&, const double*, double*, View<double, 1>, cudaStream_t);

}  // namespace fastcv::cuda::voxels
