// SPDX-License-Identifier: Apache-2.0
// Plane sweep, one block a tile of the reference: each word is sampled once and window sums are shared.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/plane_sweep.h"
#include "mvs/sweep_pixel.hd.h"

namespace fastcv::cuda::mvs {
namespace {

using fastcv::mvs::MatchCost;

constexpr int kTileWidth = 32, kTileHeight = 8, kThreads = kTileWidth * kTileHeight;

// A copy of host memory on the device that lives until the stream has passed its end of scope.
class StreamCopy {
 public:
  StreamCopy(const float* host, std::int64_t count, cudaStream_t stream) : stream_(stream) {
    check(cudaMallocAsync(&device_, count * sizeof(float), stream), "cudaMallocAsync");
    check(cudaMemcpyAsync(device_, host, count * sizeof(float), cudaMemcpyHostToDevice, stream), "cudaMemcpyAsync");
  }
  ~StreamCopy() { cudaFreeAsync(device_, stream_); }
  StreamCopy(const StreamCopy&) = delete;
  StreamCopy& operator=(const StreamCopy&) = delete;
  const float* get() const { return device_; }

 private:
  float* device_ = nullptr;
  cudaStream_t stream_;
};

struct VolumeSink {
  View<float, 3> out;
  __device__ void begin() {}
  __device__ void add(std::int64_t plane, std::int64_t x, std::int64_t y, float cost) { out(plane, y, x) = cost; }
  __device__ void end(const fastcv::mvs::Sweep&, std::int64_t, std::int64_t) {}
};

__device__ void write_winner(gpu::Winner<float>& winner, const float* inverse_depths, std::int64_t num_planes,
                             const DepthMap& out, std::int64_t x, std::int64_t y) {
  winner.add(__builtin_nanf(""), static_cast<std::int32_t>(num_planes));
  const gpu::WinnerPixel pixel = gpu::finish_winner(winner, inverse_depths, num_planes);
  out.depth(y, x) = pixel.depth;
  out.confidence(y, x) = pixel.confidence;
  out.cost(y, x) = pixel.cost;
}

struct WinnerSink {
  DepthMap out;
  gpu::Winner<float> winner;
  __device__ void begin() { winner = {}; }
  __device__ void add(std::int64_t plane, std::int64_t, std::int64_t, float cost) {
    winner.add(cost, static_cast<std::int32_t>(plane));
  }
  __device__ void end(const fastcv::mvs::Sweep& s, std::int64_t x, std::int64_t y) {
    write_winner(winner, s.inverse_depths, s.num_planes, out, x, y);
  }
};

// The block's shared memory: words with a halo, then their sums along rows, three per word.
template <int Channels>
struct Tile {
  const fastcv::mvs::Sweep& s;
  int radius, halo_width, halo_height;
  std::int64_t x0, y0;  // of the halo
  std::int32_t *words, *row_sums;

  __device__ bool inside(std::int64_t x, std::int64_t y) const {
    return x >= 0 && y >= 0 && x < s.reference.width && y < s.reference.height;
  }

  // 0 outside the reference: windows are clipped to it.
  __device__ void sample(const fastcv::mvs::SweepSource& source, float inverse_depth) const {
    for (int i = threadIdx.x; i < halo_width * halo_height; i += kThreads) {
      const std::int64_t x = x0 + i % halo_width, y = y0 + i / halo_width;
      std::int32_t reference[Channels];
      if (inside(x, y)) gpu::reference_samples<Channels>(s, x, y, reference);
      words[i] = inside(x, y) ? gpu::source_word<Channels>(s, source, inverse_depth, x, y, reference) : 0;
    }
  }

  __device__ void sum_rows() const {
    for (int i = threadIdx.x; i < kTileWidth * halo_height; i += kThreads) {
      const int column = i % kTileWidth, row = i / kTileWidth;
      gpu::WindowSums w;
      for (int u = 0; u <= 2 * radius; ++u) {
        const std::int64_t x = x0 + column + u, y = y0 + row;
        std::int32_t reference[1] = {0};
        if (s.cost == MatchCost::ncc && inside(x, y)) gpu::reference_samples<1>(s, x, y, reference);
        gpu::SweepPixel<Channels>::add_word(s.cost, words[row * halo_width + column + u], reference[0], w);
      }
      row_sums[3 * i] = w.sum, row_sums[3 * i + 1] = w.squares, row_sums[3 * i + 2] = w.products;
    }
  }

  // Of this thread's pixel; `reference` holds what does not change between planes and sources.
  __device__ float cost(gpu::WindowSums reference) const {
    for (int v = 0; v <= 2 * radius; ++v) {
      const std::int32_t* sums =
          row_sums + 3 * ((threadIdx.x / kTileWidth + v) * kTileWidth + threadIdx.x % kTileWidth);
      reference.sum += sums[0], reference.squares += sums[1], reference.products += sums[2];
    }
    return gpu::window_cost<Channels>(s, reference);
  }
};

// The sums over a pixel's window in the reference alone.
__device__ gpu::WindowSums reference_sums(const fastcv::mvs::Sweep& s, std::int64_t x, std::int64_t y) {
  gpu::WindowSums w;
  for (std::int64_t v = y - s.window / 2; v <= y + s.window / 2; ++v) {
    for (std::int64_t u = x - s.window / 2; u <= x + s.window / 2; ++u) {
      if (v < 0 || u < 0 || v >= s.reference.height || u >= s.reference.width) continue;
      std::int32_t sample;
      gpu::reference_samples<1>(s, u, v, &sample);
      ++w.count, w.reference_sum += sample, w.reference_squares += sample * sample;
    }
  }
  return w;
}

template <int Channels, class Sink>
__global__ void __launch_bounds__(kThreads) sweep_kernel(const __grid_constant__ fastcv::mvs::Sweep s, Sink sink) {
  extern __shared__ std::int32_t shared[];
  const int radius = s.window / 2, halo_width = kTileWidth + 2 * radius, halo_height = kTileHeight + 2 * radius;
  const std::int64_t x0 = blockIdx.x * std::int64_t(kTileWidth), y0 = blockIdx.y * std::int64_t(kTileHeight);
  const Tile<Channels> tile{s,           radius,      halo_width, halo_height,
                            x0 - radius, y0 - radius, shared,     shared + halo_width * halo_height};
  const std::int64_t x = x0 + threadIdx.x % kTileWidth, y = y0 + threadIdx.x / kTileWidth;
  const bool mine = tile.inside(x, y);
  gpu::WindowSums reference;
  if (mine) reference = reference_sums(s, x, y);
  gpu::CostList<float> list;
  sink.begin();
  for (std::int64_t d = 0; d < s.num_planes; ++d) {
    for (int k = 0; k < s.num_sources; ++k) {
      tile.sample(s.sources[k], s.inverse_depths[d]);
      __syncthreads();
      tile.sum_rows();
      __syncthreads();
      if (mine) gpu::add_cost(s, k, tile.cost(reference), list);
    }
    if (mine) sink.add(d, x, y, gpu::mean_cost<float>(s, list));
  }
  if (mine) sink.end(s, x, y);
}

template <class Sink>
void launch(Sweep sweep, const Sink& sink, cudaStream_t stream) {
  const StreamCopy inverse_depths(sweep.inverse_depths, sweep.num_planes, stream);
  sweep.inverse_depths = inverse_depths.get();
  const int radius = sweep.window / 2, halo_height = kTileHeight + 2 * radius;
  const std::size_t shared = ((kTileWidth + 2 * radius) + 3 * kTileWidth) * halo_height * sizeof(std::int32_t);
  const dim3 grid((sweep.reference.width + kTileWidth - 1) / kTileWidth,
                  (sweep.reference.height + kTileHeight - 1) / kTileHeight);
  if (sweep.channels == 3) {
    sweep_kernel<3><<<grid, kThreads, shared, stream>>>(sweep, sink);
  } else {
    sweep_kernel<1><<<grid, kThreads, shared, stream>>>(sweep, sink);
  }
  check(cudaGetLastError(), "plane_sweep");
}

template <int Channels>
struct VolumePixel {
  gpu::SweepPixel<Channels> pixel;
  View<float, 3> out;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t x = i % out.shape[2], y = i / out.shape[2] % out.shape[1];
    out.data[i] = pixel.cost(pixel.s.inverse_depths[i / (out.shape[1] * out.shape[2])], x, y);
  }
};

struct WinnerOfCosts {
  View<const float, 3> costs;
  const float* inverse_depths;
  DepthMap out;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t x = i % costs.shape[2], y = i / costs.shape[2];
    gpu::Winner<float> winner;
    for (std::int64_t d = 0; d < costs.shape[0]; ++d) winner.add(costs(d, y, x), static_cast<std::int32_t>(d));
    write_winner(winner, inverse_depths, costs.shape[0], out, x, y);
  }
};

}  // namespace

void plane_sweep(const Sweep& sweep, View<float, 3> out, cudaStream_t stream) {
  launch(sweep, VolumeSink{out}, stream);
}

void estimate_depth(const Sweep& sweep, const DepthMap& out, cudaStream_t stream) {
  launch(sweep, WinnerSink{out, {}}, stream);
}

void winner_take_all(View<const float, 3> costs, const float* inverse_depths, const DepthMap& out,
                     cudaStream_t stream) {
  const StreamCopy copy(inverse_depths, costs.shape[0], stream);
  for_each(costs.shape[1] * costs.shape[2], WinnerOfCosts{costs, copy.get(), out}, stream);
}

void plane_sweep_for_each(const Sweep& sweep, View<float, 3> out, cudaStream_t stream) {
  const StreamCopy copy(sweep.inverse_depths, sweep.num_planes, stream);
  Sweep on_device = sweep;
  on_device.inverse_depths = copy.get();
  if (sweep.channels == 3) {
    for_each(out.size(), VolumePixel<3>{{on_device}, out}, stream);
  } else {
    for_each(out.size(), VolumePixel<1>{{on_device}, out}, stream);
  }
}

}  // namespace fastcv::cuda::mvs
