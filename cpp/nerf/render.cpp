// SPDX-License-Identifier: Apache-2.0
// Splits volume rendering over threads, a range of rays each, and calls the leaf for this processor.
#include "nerf/render.h"

#include <algorithm>
#include <type_traits>

#include "core/huge_pages.h"
#include "core/parallel.h"
#include "nerf/ray_offsets.h"
#include "nerf/render_ray.hd.h"

#define FASTCV_LEAF "nerf/render.leaf.h"
#include "core/leaf.h"

namespace fastcv::nerf {
namespace {

void render_rays(const RenderSamples<float>& samples, const RenderedRays<float>& out, std::int64_t begin,
                 std::int64_t end) {
  FASTCV_DISPATCH(nerf::render(samples, out, begin, end));
}
void render_rays_vjp(const RenderSamples<float>& samples, const RenderedRays<const float>& rendered,
                     const RenderedGrads<float>& grads, const SampleGrads<float>& out, std::int64_t begin,
                     std::int64_t end) {
  FASTCV_DISPATCH(nerf::render_vjp(samples, rendered, grads, out, begin, end));
}
void render_rays(const RenderSamples<double>& samples, const RenderedRays<double>& out, std::int64_t begin,
                 std::int64_t end) {
  const generic::RenderRay<double> one{samples, out};
  for (std::int64_t ray = begin; ray < end; ++ray) one(ray);
}
void render_rays_vjp(const RenderSamples<double>& samples, const RenderedRays<const double>& rendered,
                     const RenderedGrads<double>& grads, const SampleGrads<double>& out, std::int64_t begin,
                     std::int64_t end) {
  const generic::RenderRayVjp<double> one{samples, rendered, grads, out};
  for (std::int64_t ray = begin; ray < end; ++ray) one(ray);
}

template <class T, class Body>
void for_rays(const RenderSamples<T>& samples, int num_threads, const Body& body) {
  parallel_for(samples.rays, rays_together(samples.rays, samples.samples), num_threads, body);
}

// An array of `width` values for every sample: 0 for those of no ray.
template <class T>
void prepare(const RenderSamples<T>& samples, T* array, std::int64_t width) {
  if (array == nullptr) return;
  advise_huge_pages(array, static_cast<std::size_t>(samples.samples * width) * sizeof(T));
  std::fill(array + samples.offsets[samples.rays] * width, array + samples.samples * width, T(0));
}

}  // namespace

template <class T>
void render(const RenderSamples<T>& samples, const RenderedRays<T>& out, int num_threads) {
  check_offsets(samples.offsets, samples.rays, samples.samples);
  prepare(samples, out.weights, 1);
  for_rays(samples, num_threads, [&](std::int64_t begin, std::int64_t end) { render_rays(samples, out, begin, end); });
}

template <class T>
void render_vjp(const RenderSamples<T>& samples, const RenderedRays<const T>& rendered, const RenderedGrads<T>& grads,
                const SampleGrads<T>& out, int num_threads) {
  check_offsets(samples.offsets, samples.rays, samples.samples);
  for (T* array : {out.densities, out.starts, out.ends}) prepare(samples, array, 1);
  prepare(samples, out.colors, samples.channels);
  for_rays(samples, num_threads,
           [&](std::int64_t begin, std::int64_t end) { render_rays_vjp(samples, rendered, grads, out, begin, end); });
}

void random_background(std::uint64_t seed, std::int64_t first, std::int64_t rays, std::int64_t channels, float* out,
                       int num_threads) {
  const generic::RandomQuad one{seed, first * channels, rays * channels, out};
  parallel_for(one.quads(), 1 << 13, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t quad = begin; quad < end; ++quad) one(quad);
  });
}

#define FASTCV_INSTANTIATE(T)                                                                              \
  template void render(const RenderSamples<T>&, const RenderedRays<T>&, int);                              \
  template void render_vjp(const RenderSamples<T>&, const RenderedRays<const T>&, const RenderedGrads<T>&, \
                           const SampleGrads<T>&, int);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::nerf
