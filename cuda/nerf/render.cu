// SPDX-License-Identifier: Apache-2.0
// Volume rendering on a GPU: a tile of lanes a ray, one thread where rays are short. Nothing is atomic.
#include "cuda/nerf/render.h"

#include "cuda/core/launch.cuh"
#include "cuda/nerf/tile.cuh"
#include "nerf/ray_weights.hd.h"
#include "nerf/render_ray.hd.h"

namespace fastcv::cuda::nerf {
namespace {

constexpr int kThreads = 256;

template <class T, int kLanes>
__device__ void add_colors(const Tile<kLanes>& tile, const RenderSamples<T>& samples, const RenderedRays<T>& out,
                           std::int64_t ray, std::int64_t begin, std::int64_t end, T opacity) {
  for (std::int64_t c = 0; c < samples.channels; ++c) {
    T sum = 0;
    for (std::int64_t i = begin + tile.lane; i < end; i += kLanes) {  // each lane reads the weights that it wrote
      sum += gpu::weighted(out.weights[i], samples.colors[i * samples.channels + c]);
    }
    sum = tile.sum(sum);
    const std::int64_t at = ray * samples.channels + c;
    if (samples.backgrounds != nullptr) sum += (T(1) - opacity) * samples.backgrounds[at];
    if (tile.lane == 0) out.colors[at] = sum;
  }
}

template <class T, int kLanes>
__global__ __launch_bounds__(kThreads) void render_kernel(RenderSamples<T> samples, RenderedRays<T> out) {
  const Tile<kLanes> tile;
  const std::int64_t ray = tile.number();
  if (ray >= samples.rays) return;
  const gpu::Span span = gpu::span_of(samples, ray);
  T opacity = 0, distance = 0;
  std::int64_t begin = span.begin;
  for (; begin < span.end && !(T(1) - opacity < samples.early_stop); begin += kLanes) {
    const std::int64_t i = begin + tile.lane;
    const bool inside = i < span.end;
    const T start = inside ? samples.starts[i] : T(0), end = inside ? samples.ends[i] : T(0);
    const T alpha = inside ? gpu::opacity_of(gpu::optical_depth(samples.densities[i], end - start)) : T(0);
    const T within = tile.layers(alpha), in_front = gpu::over(opacity, tile.before(within));
    const int kept = tile.first(inside && T(1) - in_front < samples.early_stop);
    const T weight = tile.lane < kept ? (T(1) - in_front) * alpha : T(0);
    const T at_stop = tile.of(in_front, kept % kLanes), through = gpu::over(opacity, tile.of(within, kLanes - 1));
    opacity = kept < kLanes ? at_stop : through;
    distance += gpu::weighted(weight, gpu::middle(start, end));
    if (inside) out.weights[i] = weight;
  }
  for (std::int64_t i = begin + tile.lane; i < span.end; i += kLanes) out.weights[i] = 0;
  distance = tile.sum(distance);
  if (tile.lane == 0) {
    const T least = fastcv::nerf::kLeastOpacity;
    out.opacities[ray] = opacity;
    out.depths[ray] = distance / (opacity < least ? least : opacity);
  }
  if (out.colors == nullptr) return;
  add_colors(tile, samples, out, ray, span.begin, begin < span.end ? begin : span.end, opacity);
}

template <class T, int kLanes>
__global__ __launch_bounds__(kThreads) void render_vjp_kernel(gpu::RenderRayVjp<T> one) {
  const Tile<kLanes> tile;
  const std::int64_t ray = tile.number();
  if (ray >= one.samples.rays) return;
  const gpu::Span span = gpu::span_of(one.samples, ray);
  const T opacity = one.rendered.opacities[ray];
  const std::int64_t kept = gpu::kept_end(one.samples, one.rendered.weights, opacity, span);
  const gpu::RayGrads<T> whole = gpu::ray_grads(one.samples, one.rendered, one.grads, ray);
  T light = T(1) - opacity, behind = whole.behind;
  for (std::int64_t i = kept + tile.lane; i < span.end; i += kLanes) {
    one.store(i, {0, 0, 0});
    if (one.out.colors != nullptr) one.by_colors(ray, i, T(0));
  }
  const std::int64_t blocks = (kept - span.begin + kLanes - 1) / kLanes;
  for (std::int64_t block = blocks; block-- > 0;) {
    const std::int64_t i = span.begin + block * kLanes + tile.lane;
    const bool inside = i < kept;
    const T weight = inside ? one.rendered.weights[i] : T(0);
    const T start = inside ? one.samples.starts[i] : T(0), end = inside ? one.samples.ends[i] : T(0);
    const T by_weight = inside ? one.by_weight_of(ray, i, start, end, whole) : T(0);
    const T lights = tile.sums_behind(weight), values = tile.sums_behind(gpu::weighted(weight, by_weight));
    const T light_after = light + tile.behind(lights), value_after = behind + tile.behind(values);
    if (inside) {
      one.store(i, gpu::sample_grads(one.samples.densities[i], start, end, weight, by_weight, light_after, value_after,
                                     whole.by_distance));
      if (one.out.colors != nullptr) one.by_colors(ray, i, weight);
    }
    light += tile.of(lights, 0);
    behind += tile.of(values, 0);
  }
  if (one.out.backgrounds == nullptr) return;
  for (std::int64_t c = tile.lane; c < one.samples.channels; c += kLanes) one.by_background(ray, c);
}

// Calls launch.template operator()<kLanes>(blocks), or alone() where a thread goes along a ray by itself.
template <class T, class Launch, class Alone>
void by_length(const RenderSamples<T>& samples, const Launch& launch, const Alone& alone) {
  if (samples.rays == 0) return;
  const std::int64_t average = samples.samples / samples.rays;
  const auto tiles = [&]<int kLanes>() {
    const std::int64_t blocks = (samples.rays * kLanes + kThreads - 1) / kThreads;
    check(blocks <= 0x7fffffff ? cudaSuccess : cudaErrorInvalidConfiguration, "render");
    launch.template operator()<kLanes>(static_cast<unsigned>(blocks));
    check(cudaGetLastError(), "render");
  };
  if (average < 4) {
    alone();
  } else if (average < 16) {
    tiles.template operator()<8>();
  } else {
    tiles.template operator()<32>();
  }
}

// Samples of no ray: those from *begin on are 0.
template <class T>
__global__ void clear_rest_kernel(const std::int64_t* begin, std::int64_t end, std::int64_t width, T* array) {
  const std::int64_t first = gpu::clipped(*begin, 0, end) * width, step = std::int64_t(gridDim.x) * blockDim.x;
  for (std::int64_t i = first + blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x; i < end * width; i += step) {
    array[i] = 0;
  }
}
template <class Samples, class... Arrays>
void clear_rest(const Samples& samples, std::int64_t width, cudaStream_t stream, Arrays*... arrays) {
  const auto clear = [&](auto* array) {
    if (array == nullptr) return;
    const std::int64_t* begin = samples.offsets + samples.rays;
    clear_rest_kernel<<<64, kThreads, 0, stream>>>(begin, samples.samples, width, array);
    check(cudaGetLastError(), "clear_rest");
  };
  (clear(arrays), ...);
}

}  // namespace

template <class T>
void render(const RenderSamples<T>& samples, const RenderedRays<T>& out, cudaStream_t stream) {
  clear_rest(samples, 1, stream, out.weights);
  by_length(
      samples,
      [&]<int kLanes>(unsigned blocks) { render_kernel<T, kLanes><<<blocks, kThreads, 0, stream>>>(samples, out); },
      [&] {
        for_each(samples.rays, gpu::RenderRay<T>{samples, out}, stream);
      });
}

template <class T>
void render_vjp(const RenderSamples<T>& samples, const RenderedRays<const T>& rendered, const RenderedGrads<T>& grads,
                const SampleGrads<T>& out, cudaStream_t stream) {
  clear_rest(samples, 1, stream, out.densities, out.starts, out.ends);
  clear_rest(samples, samples.channels, stream, out.colors);
  const gpu::RenderRayVjp<T> one{samples, rendered, grads, out};
  by_length(
      samples, [&]<int kLanes>(unsigned blocks) { render_vjp_kernel<T, kLanes><<<blocks, kThreads, 0, stream>>>(one); },
      [&] { for_each(samples.rays, one, stream); });
}

void random_background(std::uint64_t seed, std::int64_t first, std::int64_t rays, std::int64_t channels, float* out,
                       cudaStream_t stream) {
  const gpu::RandomQuad one{seed, first * channels, rays * channels, out};
  for_each(one.quads(), one, stream);
}

template <class T>
void distortion(const WeightedSamples<T>& samples, T* out, cudaStream_t stream) {
  for_each(samples.rays, gpu::Distortion<T>{samples, out}, stream);
}

template <class T>
void distortion_vjp(const WeightedSamples<T>& samples, const T* grad, T* by_weights, T* by_starts, T* by_ends,
                    cudaStream_t stream) {
  clear_rest(samples, 1, stream, by_weights, by_starts, by_ends);
  for_each(samples.rays, gpu::DistortionVjp<T>{samples, grad, by_weights, by_starts, by_ends}, stream);
}

template <class T>
void median_depth(const WeightedSamples<T>& samples, T* out, cudaStream_t stream) {
  for_each(samples.rays, gpu::MedianDepth<T>{samples, out}, stream);
}

#define FASTCV_INSTANTIATE(T)                                                                              \
  template void render(const RenderSamples<T>&, const RenderedRays<T>&, cudaStream_t);                     \
  template void render_vjp(const RenderSamples<T>&, const RenderedRays<const T>&, const RenderedGrads<T>&, \
                           const SampleGrads<T>&, cudaStream_t);                                           \
  template void distortion(const WeightedSamples<T>&, T*, cudaStream_t);                                   \
  template void distortion_vjp(const WeightedSamples<T>&, const T*, T*, T*, T*, cudaStream_t);             \
  template void median_depth(const WeightedSamples<T>&, T*, cudaStream_t);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::cuda::nerf
