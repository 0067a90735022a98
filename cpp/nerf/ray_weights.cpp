// SPDX-License-Identifier: Apache-2.0
// Splits what is read off weights over threads, a range of rays each.
#include "nerf/ray_weights.h"

#include <algorithm>

#include "core/parallel.h"
#include "nerf/ray_offsets.h"
#include "nerf/ray_weights.hd.h"

namespace fastcv::nerf {
namespace {

template <class T, class One>
void for_rays(const WeightedSamples<T>& samples, int num_threads, const One& one) {
  check_offsets(samples.offsets, samples.rays, samples.samples);
  parallel_for(samples.rays, rays_together(samples.rays, samples.samples), num_threads,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t ray = begin; ray < end; ++ray) one(ray);
               });
}

}  // namespace

template <class T>
void distortion(const WeightedSamples<T>& samples, T* out, int num_threads) {
  for_rays(samples, num_threads, generic::Distortion<T>{samples, out});
}

template <class T>
void distortion_vjp(const WeightedSamples<T>& samples, const T* grad, T* by_weights, T* by_starts, T* by_ends,
                    int num_threads) {
  for_rays(samples, num_threads, generic::DistortionVjp<T>{samples, grad, by_weights, by_starts, by_ends});
  for (T* array : {by_weights, by_starts, by_ends}) {
    if (array != nullptr) std::fill(array + samples.offsets[samples.rays], array + samples.samples, T(0));
  }
}

template <class T>
void median_depth(const WeightedSamples<T>& samples, T* out, int num_threads) {
  for_rays(samples, num_threads, generic::MedianDepth<T>{samples, out});
}

#define FASTCV_INSTANTIATE(T)                                                         \
  template void distortion(const WeightedSamples<T>&, T*, int);                       \
  template void distortion_vjp(const WeightedSamples<T>&, const T*, T*, T*, T*, int); \
  template void median_depth(const WeightedSamples<T>&, T*, int);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::nerf
