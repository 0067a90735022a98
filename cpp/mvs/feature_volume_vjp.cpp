// SPDX-License-Identifier: Apache-2.0
// Gradients over threads. Many pixels add to the same pixel of a source, so the work is cut into parts that share none:
// slices of channels, and bands of the reference with sums of their own, which are added in order. The cut depends on
// sizes alone, so the result does not depend on the number of threads.
#include "mvs/feature_volume_vjp.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "core/parallel.h"
#include "mvs/for_each_strip.h"

#define FASTCV_LEAF "mvs/feature_volume_vjp.leaf.h"
#include "core/leaf.h"

namespace fastcv::mvs {
namespace {

constexpr std::int64_t kParts = 16;

void strip_vjp(const FeatureSweep& sweep, const Tile& tile, std::int64_t channel, View<const float, 4> grad,
               float* const* grad_sources, float* grad_strip, float* scratch) {
  FASTCV_DISPATCH(mvs::feature_volume_vjp(sweep, tile, channel, grad, grad_sources, grad_strip, scratch));
}
void strip_depth_vjp(const FeatureSweep& sweep, const Tile& tile, View<const float, 4> grad, View<float, 3> grad_depths,
                     float* scratch) {
  FASTCV_DISPATCH(mvs::feature_volume_depth_vjp(sweep, tile, grad, grad_depths, scratch));
}

// Sums of one slice and band: per source (height + 1, width + 1, kChannelSlice). The system hands out zeros, and memory
// only for what is touched: a band's pixels fall on a part of each source.
class Sums {
 public:
  explicit Sums(const FeatureSweep& sweep) {
    std::int64_t size = 0;
    for (int k = 0; k < sweep.num_sources; ++k) {
      offsets_[k] = size;
      size += plane(sweep, k);
    }
    data_.reset(static_cast<float*>(std::calloc(static_cast<std::size_t>(size), sizeof(float))));
    if (!data_) throw std::bad_alloc();
  }
  float* source(int k) const { return data_.get() + offsets_[k]; }

 private:
  struct Free {
    void operator()(float* data) const { std::free(data); }
  };
  static std::int64_t plane(const FeatureSweep& sweep, int k) {
    const PackedFeatures& f = sweep.sources[k].features;
    return (f.height + std::int64_t(1)) * (f.width + 1) * kChannelSlice;
  }
  std::unique_ptr<float, Free> data_;
  std::int64_t offsets_[kMaxFeatureSources];
};

// A slice of channels over a band of rows of the reference.
void part_vjp(const FeatureSweep& sweep, std::int64_t channel, std::int64_t first_row, std::int64_t last_row,
              View<const float, 4> grad, View<float, 3> grad_reference, const Sums& sums) {
  float* grad_sources[kMaxFeatureSources];
  for (int k = 0; k < sweep.num_sources; ++k) grad_sources[k] = sums.source(k);
  std::vector<float> strip(kStrip * kChannelSlice), scratch(strip_scratch(sweep));
  for (std::int64_t y = first_row; y < last_row; ++y) {
    for (std::int64_t x = 0; x < sweep.reference.width; x += kStrip) {
      const Tile tile{x, y, std::min(kStrip, sweep.reference.width - x), 1};
      std::fill(strip.begin(), strip.end(), 0.0F);
      strip_vjp(sweep, tile, channel, grad, grad_sources, strip.data(), scratch.data());
      for (std::int64_t i = 0; i < kChannelSlice; ++i) {
        const std::int64_t c = caller_channel(sweep.channels, channel + i);
        for (std::int64_t p = 0; c >= 0 && p < tile.width; ++p) {
          grad_reference(c, y, x + p) = strip[p * kChannelSlice + i];
        }
      }
    }
  }
}

// One row of a source's gradient, of one slice: the bands' sums in order.
void merge_row(const FeatureSweep& sweep, int k, std::int64_t channel, std::int64_t y, const Sums* bands,
               std::int64_t num_bands, View<float, 3> out, std::vector<float>& row) {
  const std::int64_t size = out.shape[2] * kChannelSlice, offset = y * (out.shape[2] + 1) * kChannelSlice;
  row.assign(static_cast<std::size_t>(size), 0.0F);
  for (std::int64_t b = 0; b < num_bands; ++b) {
    const float* from = bands[b].source(k) + offset;
    for (std::int64_t i = 0; i < size; ++i) row[i] += from[i];
  }
  for (std::int64_t i = 0; i < kChannelSlice; ++i) {
    const std::int64_t c = caller_channel(sweep.channels, channel + i);
    for (std::int64_t x = 0; c >= 0 && x < out.shape[2]; ++x) out(c, y, x) = row[x * kChannelSlice + i];
  }
}

}  // namespace

void feature_volume_vjp(const FeatureSweep& sweep, View<const float, 4> grad, View<float, 3> grad_reference,
                        const View<float, 3>* grad_sources, int num_threads) {
  const std::int64_t slices = sweep.channels.packed / kChannelSlice, height = sweep.reference.height;
  const std::int64_t bands = std::min(height, (kParts + slices - 1) / slices);
  std::vector<Sums> sums;  // of slice 0, band by band, then of slice 1 …
  for (std::int64_t i = 0; i < slices * bands; ++i) sums.emplace_back(sweep);
  parallel_for(slices * bands, 1, num_threads, [&](std::int64_t i, std::int64_t) {
    const std::int64_t slice = i / bands, band = i % bands;
    part_vjp(sweep, slice * kChannelSlice, height * band / bands, height * (band + 1) / bands, grad, grad_reference,
             sums[i]);
  });
  for (int k = 0; k < sweep.num_sources; ++k) {
    parallel_for(slices * grad_sources[k].shape[1], 8, num_threads, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> row;
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t slice = i % slices;
        merge_row(sweep, k, slice * kChannelSlice, i / slices, &sums[slice * bands], bands, grad_sources[k], row);
      }
    });
  }
}

void feature_volume_depth_vjp(const FeatureSweep& sweep, View<const float, 4> grad, View<float, 3> grad_depths,
                              int num_threads) {
  for_each_strip(sweep, num_threads,
                 [&](const Tile& tile, float* scratch) { strip_depth_vjp(sweep, tile, grad, grad_depths, scratch); });
}

}  // namespace fastcv::mvs
