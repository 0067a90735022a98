// SPDX-License-Identifier: Apache-2.0
// What is read off the weights of a ray's samples: how far they spread, and where half of them is reached.
#pragma once

#include <cstdint>

namespace fastcv::nerf {

// As in RenderSamples.
template <class T>
struct WeightedSamples {
  const T *weights, *starts, *ends;
  const std::int64_t* offsets;
  std::int64_t rays, samples;
};

// T is float or double; sums are doubles. num_threads and exceptions as in render.h.
// Source: Barron et al. 2022, "Mip-NeRF 360", eq. 15, for each ray.
template <class T>
void distortion(const WeightedSamples<T>& samples, T* out, int num_threads);
// From gradients by each ray's; those by starts and ends may be null.
template <class T>
void distortion_vjp(const WeightedSamples<T>& samples, const T* grad, T* by_weights, T* by_starts, T* by_ends,
                    int num_threads);

// Distances at which half of the light is left; 0 for rays that keep more.
template <class T>
void median_depth(const WeightedSamples<T>& samples, T* out, int num_threads);

}  // namespace fastcv::nerf
