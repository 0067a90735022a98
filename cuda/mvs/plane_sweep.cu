// SPDX-License-Identifier: Apache-2.0
// Plane sweep, one block a tile of the reference: each word is sampled once and window sums are shared.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/device_hypotheses.h"
#include "cuda/mvs/plane_sweep.h"
#include "mvs/sweep_pixel.hd.h"

namespace fastcv::cuda::mvs {
namespace {

using fastcv::mvs::Hypotheses;
using fastcv::mvs::MatchCost;

constexpr int kTileWidth = 32, kTileHeight = 8, kThreads = kTileWidth * kTileHeight;

struct VolumeSink {
  CostVolume out;
  __device__ void begin() {}
  __device__ void add(std::int64_t index, std::int64_t x, std::int64_t y, float cost, std::int32_t num_seen) {
    out.costs(index, y, x) = cost;
    if (out.num_seen.data != nullptr) out.num_seen(index, y, x) = static_cast<std::uint8_t>(num_seen);
  }
  __device__ void end(const fastcv::mvs::Sweep&, std::int64_t, std::int64_t) {}
};

__device__ void write_winner(gpu::Winner<float>& winner, const Hypotheses& h, const DepthMap& out, std::int64_t x,
                             std::int64_t y) {
  winner.add(__builtin_nanf(""), static_cast<std::int32_t>(h.num));
  const gpu::WinnerPixel pixel = gpu::finish_winner(winner, h.num, [&](std::int64_t k) {
    return gpu::inverse_depth(h, k, out.depth.shape[0], out.depth.shape[1], x, y);
  });
  out.depth(y, x) = pixel.depth;
  out.confidence(y, x) = pixel.confidence;
  out.cost(y, x) = pixel.cost;
}

struct WinnerSink {
  DepthMap out;
  gpu::Winner<float> winner;
  __device__ void begin() { winner = {}; }
  __device__ void add(std::int64_t index, std::int64_t, std::int64_t, float cost, std::int32_t) {
    winner.add(cost, static_cast<std::int32_t>(index));
  }
  __device__ void end(const fastcv::mvs::Sweep& s, std::int64_t x, std::int64_t y) {
    write_winner(winner, s.hypotheses, out, x, y);
  }
};

// The block's shared memory: samples of the reference and words of a source, both with a margin; then for gradients
// their words, and for sums those along rows, three per word.
template <MatchCost Cost, int Channels>
struct Tile {
  static constexpr bool kGradient = Cost == MatchCost::gradient, kCensus = Cost == MatchCost::census;
  static constexpr bool kClipsHigh = kGradient || kCensus;

  const fastcv::mvs::Sweep& s;
  int radius, margin, width, height;  // with the margin
  std::int64_t x0, y0;                // of the margin
  std::int32_t *samples, *words, *summed, *row_sums;

  __device__ Tile(const fastcv::mvs::Sweep& sweep, std::int64_t x, std::int64_t y, std::int32_t* shared)
      : s(sweep),
        radius(sweep.window / 2),
        margin(radius + kGradient),
        width(kTileWidth + 2 * margin),
        height(kTileHeight + 2 * margin),
        x0(x - margin),
        y0(y - margin),
        samples(shared),
        words(samples + width * height),
        summed(kGradient ? words + width * height : words),
        row_sums(summed + width * height) {}

  static std::size_t bytes(const fastcv::mvs::Sweep& s) {
    const int margin = s.window / 2 + kGradient, width = kTileWidth + 2 * margin, height = kTileHeight + 2 * margin;
    return ((kGradient ? 3 : 2) * width + (kCensus ? 0 : 3 * kTileWidth)) * height * sizeof(std::int32_t);
  }

  __device__ bool usable(int i) const { return gpu::is_usable(s.reference, x0 + i % width, y0 + i / width); }

  // Everything that no surface changes.
  __device__ void load_reference() const {
    for (int i = threadIdx.x; i < width * height; i += kThreads) {
      samples[i] = usable(i)    ? gpu::reference_sample(s, x0 + i % width, y0 + i / width)
                   : kClipsHigh ? gpu::kCensusClipped
                                : 0;
    }
  }

  __device__ void load_source(int source, std::int64_t index) const {
    const gpu::SurfaceWarp surface = gpu::surface_warp(s, source, index);
    for (int i = threadIdx.x; i < width * height; i += kThreads) {
      words[i] = usable(i) ? gpu::source_word<Channels>(s, source, surface, x0 + i % width, y0 + i / width)
                           : (kClipsHigh ? gpu::kCensusClipped : 0);
    }
  }

  __device__ void make_gradients() const {
    const auto at = [this](const std::int32_t* of) {
      return [this, of](std::int64_t x, std::int64_t y) { return of[(y - y0) * width + (x - x0)]; };
    };
    for (int i = threadIdx.x; i < width * height; i += kThreads) {
      const int column = i % width, row = i / width;
      const bool inner = column > 0 && row > 0 && column < width - 1 && row < height - 1;
      summed[i] = inner && usable(i) ? gpu::gradient_at(s, x0 + column, y0 + row, at(words), at(samples)) : 0;
    }
  }

  __device__ void sum_rows() const {
    for (int i = threadIdx.x; i < kTileWidth * height; i += kThreads) {
      const int begin = i / kTileWidth * width + i % kTileWidth + kGradient;
      gpu::WindowSums w;
      for (int u = begin; u <= begin + 2 * radius; ++u) gpu::add_word(Cost, summed[u], samples[u], 0, 0, w);
      row_sums[3 * i] = w.sum, row_sums[3 * i + 1] = w.squares, row_sums[3 * i + 2] = w.products;
    }
  }

  // Of this thread's pixel; `reference` holds what does not change between surfaces and sources.
  __device__ float cost(gpu::WindowSums reference) const {
    const int column = threadIdx.x % kTileWidth, row = threadIdx.x / kTileWidth;
    if constexpr (kCensus) {
      const int center = (row + radius) * width + column + radius, count = reference.count;
      for (int v = row; v <= row + 2 * radius; ++v) {
        for (int u = v * width + column; u <= v * width + column + 2 * radius; ++u) {
          gpu::add_word(Cost, words[u], samples[u], words[center], samples[center], reference);
        }
      }
      reference.count = count;
    } else {
      for (int v = 0; v <= 2 * radius; ++v) {
        const std::int32_t* sums = row_sums + 3 * ((row + v + kGradient) * kTileWidth + column);
        reference.sum += sums[0], reference.squares += sums[1], reference.products += sums[2];
      }
    }
    return gpu::window_cost<Channels>(s, reference);
  }
};

// The sums over a pixel's window in the reference alone.
__device__ gpu::WindowSums reference_sums(const fastcv::mvs::Sweep& s, std::int64_t x, std::int64_t y) {
  gpu::WindowSums w;
  for (std::int64_t v = y - s.window / 2; v <= y + s.window / 2; ++v) {
    for (std::int64_t u = x - s.window / 2; u <= x + s.window / 2; ++u) {
      if (!gpu::is_usable(s.reference, u, v)) continue;
      const std::int32_t sample = gpu::reference_sample(s, u, v);
      ++w.count, w.reference_sum += sample, w.reference_squares += sample * sample;
    }
  }
  return w;
}

template <MatchCost Cost, int Channels, class Sink>
__global__ void __launch_bounds__(kThreads) sweep_kernel(const __grid_constant__ fastcv::mvs::Sweep s, Sink sink) {
  extern __shared__ std::int32_t shared[];
  const std::int64_t left = blockIdx.x * std::int64_t(kTileWidth), top = blockIdx.y * std::int64_t(kTileHeight);
  const Tile<Cost, Channels> tile(s, left, top, shared);
  const std::int64_t x = left + threadIdx.x % kTileWidth, y = top + threadIdx.x / kTileWidth;
  const bool mine = x < s.reference.width && y < s.reference.height;
  const bool usable = gpu::is_usable(s.reference, x, y);
  gpu::WindowSums reference;
  if (usable) reference = reference_sums(s, x, y);
  tile.load_reference();
  gpu::CostList<float> list;
  sink.begin();
  for (std::int64_t d = 0; d < s.hypotheses.num; ++d) {
    std::int32_t num_seen = 0;
    for (int k = 0; k < s.num_sources; ++k) {
      __syncthreads();  // until everybody has read the words before
      tile.load_source(k, d);
      __syncthreads();
      if constexpr (Tile<Cost, Channels>::kGradient) {
        tile.make_gradients();
        __syncthreads();
      }
      if constexpr (!Tile<Cost, Channels>::kCensus) {
        tile.sum_rows();
        __syncthreads();
      }
      if (!usable) continue;
      const float cost = tile.cost(reference);
      gpu::add_cost(s, k, cost, list);
      num_seen += gpu::one_if_seen(cost);
    }
    if (mine) sink.add(d, x, y, usable ? gpu::mean_cost<float>(s, list) : __builtin_nanf(""), num_seen);
  }
  if (mine) sink.end(s, x, y);
}

template <MatchCost Cost, int Channels, class Sink>
void launch(Sweep sweep, const Sink& sink, cudaStream_t stream) {
  const DeviceHypotheses hypotheses(sweep.hypotheses, stream);
  sweep.hypotheses = hypotheses.get();
  const auto kernel = sweep_kernel<Cost, Channels, Sink>;
  const std::size_t shared = Tile<Cost, Channels>::bytes(sweep);
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared)),
        "cudaFuncSetAttribute");
  const dim3 grid((sweep.reference.width + kTileWidth - 1) / kTileWidth,
                  (sweep.reference.height + kTileHeight - 1) / kTileHeight);
  kernel<<<grid, kThreads, shared, stream>>>(sweep, sink);
  check(cudaGetLastError(), "plane_sweep");
}

template <class Sink>
void launch(const Sweep& sweep, const Sink& sink, cudaStream_t stream) {
  switch (sweep.cost) {
    case MatchCost::ncc:
      return launch<MatchCost::ncc, 1>(sweep, sink, stream);
    case MatchCost::census:
      return launch<MatchCost::census, 1>(sweep, sink, stream);
    case MatchCost::gradient:
      return launch<MatchCost::gradient, 1>(sweep, sink, stream);
    default:
      return sweep.channels == 1 ? launch<MatchCost::sad, 1>(sweep, sink, stream)
                                 : launch<MatchCost::sad, 3>(sweep, sink, stream);
  }
}

template <int Channels>
struct VolumePixel {
  gpu::SweepPixel<Channels> pixel;
  CostVolume out;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = out.costs.shape[2], height = out.costs.shape[1];
    std::uint8_t* num_seen = out.num_seen.data == nullptr ? nullptr : out.num_seen.data + i;
    pixel(i / (width * height), i % width, i / width % height, out.costs.data[i], num_seen);
  }
};

struct WinnerOfCosts {
  View<const float, 3> costs;
  Hypotheses hypotheses;
  DepthMap out;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t x = i % costs.shape[2], y = i / costs.shape[2];
    gpu::Winner<float> winner;
    for (std::int64_t d = 0; d < costs.shape[0]; ++d) winner.add(costs(d, y, x), static_cast<std::int32_t>(d));
    write_winner(winner, hypotheses, out, x, y);
  }
};

}  // namespace

void plane_sweep(const Sweep& sweep, const CostVolume& out, cudaStream_t stream) {
  launch(sweep, VolumeSink{out}, stream);
}

void estimate_depth(const Sweep& sweep, const DepthMap& out, cudaStream_t stream) {
  launch(sweep, WinnerSink{out, {}}, stream);
}

void winner_take_all(View<const float, 3> costs, const Hypotheses& hypotheses, const DepthMap& out,
                     cudaStream_t stream) {
  const DeviceHypotheses copy(hypotheses, stream);
  for_each(costs.shape[1] * costs.shape[2], WinnerOfCosts{costs, copy.get(), out}, stream);
}

void plane_sweep_for_each(const Sweep& sweep, const CostVolume& out, cudaStream_t stream) {
  const DeviceHypotheses copy(sweep.hypotheses, stream);
  Sweep on_device = sweep;
  on_device.hypotheses = copy.get();
  if (sweep.channels == 3) {
    for_each(out.costs.size(), VolumePixel<3>{{on_device}, out}, stream);
  } else {
    for_each(out.costs.size(), VolumePixel<1>{{on_device}, out}, stream);
  }
}

}  // namespace fastcv::cuda::mvs
