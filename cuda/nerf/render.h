// SPDX-License-Identifier: Apache-2.0
// Volume rendering on a GPU: as fastcv::nerf, but offsets that make no sense are clipped; all arrays live on the
// current device.
#pragma once

#include <cuda_runtime_api.h>

#include "nerf/ray_weights.h"
#include "nerf/render.h"

namespace fastcv::cuda::nerf {

using fastcv::nerf::RenderedGrads;
using fastcv::nerf::RenderedRays;
using fastcv::nerf::RenderSamples;
using fastcv::nerf::SampleGrads;
using fastcv::nerf::WeightedSamples;

template <class T>
void render(const RenderSamples<T>& samples, const RenderedRays<T>& out, cudaStream_t stream);
template <class T>
void render_vjp(const RenderSamples<T>& samples, const RenderedRays<const T>& rendered, const RenderedGrads<T>& grads,
                const SampleGrads<T>& out, cudaStream_t stream);
void random_background(std::uint64_t seed, std::int64_t first, std::int64_t rays, std::int64_t channels, float* out,
                       cudaStream_t stream);

template <class T>
void distortion(const WeightedSamples<T>& samples, T* out, cudaStream_t stream);
template <class T>
void distortion_vjp(const WeightedSamples<T>& samples, const T* grad, T* by_weights, T* by_starts, T* by_ends,
                    cudaStream_t stream);
template <class T>
void median_depth(const WeightedSamples<T>& samples, T* out, cudaStream_t stream);

}  // namespace fastcv::cuda::nerf
