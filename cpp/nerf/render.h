// SPDX-License-Identifier: Apache-2.0
// Volume rendering: colours, depths and opacities of rays from samples along them, and the gradients. Source: Max 1995,
// "Optical models for direct volume rendering". docs/volume_rendering.md has the formulas.
#pragma once

#include <cstdint>

namespace fastcv::nerf {

// Samples of all rays, ray by ray, near to far: ray r owns offsets[r] to offsets[r + 1]. Those from offsets[rays] on
// belong to none.
template <class T>
struct RenderSamples {
  const T *densities, *starts, *ends;  // (samples)
  const T* colors;                     // (samples, channels); null: none
  const T* backgrounds;                // (rays, channels); null: black
  const std::int64_t* offsets;         // (rays + 1)
  std::int64_t rays, samples, channels;
  T early_stop;  // samples that less of the light reaches are left out
};

template <class T>
struct RenderedRays {
  T* colors;              // (rays, channels); null where there are none
  T *depths, *opacities;  // (rays)
  T* weights;             // (samples)
};

// Gradients by RenderedRays; null: 0.
template <class T>
struct RenderedGrads {
  const T *colors, *depths, *opacities, *weights;
};

// Gradients by RenderSamples; all but the first may be null: not wanted.
template <class T>
struct SampleGrads {
  T *densities, *starts, *ends, *colors, *backgrounds;
};

// Depth is divided by opacity, but by no less.
inline constexpr float kLeastOpacity = 1.1920929e-7F;  // 2^-23

// T is float or double. num_threads 0 means the default; no result depends on it. Throws std::invalid_argument where
// offsets do not rise from 0 to at most `samples`.
template <class T>
void render(const RenderSamples<T>& samples, const RenderedRays<T>& out, int num_threads);
template <class T>
void render_vjp(const RenderSamples<T>& samples, const RenderedRays<const T>& rendered, const RenderedGrads<T>& grads,
                const SampleGrads<T>& out, int num_threads);

// Uniform numbers in [0, 1) that depend on the seed and their places alone: (rays, channels) from ray `first` on.
void random_background(std::uint64_t seed, std::int64_t first, std::int64_t rays, std::int64_t channels, float* out,
                       int num_threads);

}  // namespace fastcv::nerf
