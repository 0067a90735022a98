// SPDX-License-Identifier: Apache-2.0
// Building blocks of sweeps over features: positions of a strip of pixels, samples of a pixel, sums over groups.
#pragma once

#include "mvs/feature_warp.hd.h"
#include "mvs/tile.h"

namespace fastcv::FASTCV_ISA {

// The four pixels around a position, in the rows above and below it.
struct Taps {
  const float *above, *below;
  std::int64_t channels;
  float weights[4];

  FASTCV_HD Floats sample(std::int64_t channel) const {
    return bilinear(load<Floats>(above + channel), load<Floats>(above + channels + channel),
                    load<Floats>(below + channel), load<Floats>(below + channels + channel), weights);
  }
};

// Where all sources show a strip of pixels on one plane.
class StripPositions {
 public:
  void find(const mvs::FeatureSweep& s, const mvs::Tile& tile, std::int64_t plane) {
    for (std::int64_t p = 0; p < tile.width; p += kLanes) store(seen_ + p, Ints{});
    for_each(s, tile, plane, [&](int k, std::int64_t p, const Projected<Floats>& projected, Floats depth) {
      const FeaturePosition<Floats> position = feature_position(s.sources[k], projected, depth);
      store(index_[k] + p, position.index);
      for (int i = 0; i < 4; ++i) store(weights_[k][i] + p, position.weights[i]);
      store(seen_ + p, load<Ints>(seen_ + p) - (position.index >= 0));
    });
    for (std::int64_t p = 0; p < tile.width; ++p) scale_[p] = evidence_scale(s, seen_[p]);
  }
  // After find: how weights change with depth. Meaningless where a source does not see the pixel.
  void find_slopes(const mvs::FeatureSweep& s, const mvs::Tile& tile, std::int64_t plane) {
    for_each(s, tile, plane, [&](int k, std::int64_t p, const Projected<Floats>& projected, Floats depth) {
      Floats slopes[4];
      weight_slopes(s.sources[k], projected, depth, slopes);
      for (int i = 0; i < 4; ++i) store(slopes_[k][i] + p, slopes[i]);
    });
  }

  // above is null where the source does not see the pixel.
  FASTCV_HD Taps taps(const mvs::FeatureSweep& s, int k, std::int64_t p) const {
    const std::int32_t index = index_[k][p];
    if (index < 0) return {};
    const std::int64_t channels = s.channels.packed;
    const float* above = s.sources[k].features.data + index * channels;
    return {above,
            above + (s.sources[k].features.width + 1) * channels,
            channels,
            {weights_[k][0][p], weights_[k][1][p], weights_[k][2][p], weights_[k][3][p]}};
  }
  // As taps, with the derivatives by depth for weights.
  FASTCV_HD Taps slopes(const mvs::FeatureSweep& s, int k, std::int64_t p, const Taps& taps) const {
    return {taps.above,
            taps.below,
            s.channels.packed,
            {slopes_[k][0][p], slopes_[k][1][p], slopes_[k][2][p], slopes_[k][3][p]}};
  }
  std::int32_t index(int k, std::int64_t p) const { return index_[k][p]; }
  EvidenceScale scale(std::int64_t p) const { return scale_[p]; }
  void write_num_seen(std::int64_t count, std::uint8_t* to) const {
    for (std::int64_t p = 0; p < count; ++p) to[p] = static_cast<std::uint8_t>(seen_[p]);
  }

 private:
  // body(source, pixel, projected, depth) for all vectors of the strip.
  template <class Body>
  static void for_each(const mvs::FeatureSweep& s, const mvs::Tile& tile, std::int64_t plane, const Body& body) {
    const std::int64_t pixel = tile.y * s.reference.width + tile.x;
    const float* depths = s.depths + plane * s.plane_stride + pixel * s.pixel_stride;
    for (std::int64_t p = 0; p < tile.width; p += kLanes) {
      const Floats x = to_float(lane_indices() + std::int32_t(tile.x + p));
      const Floats depth = depths_at(s, depths, p, tile.width);
      for (int k = 0; k < s.num_sources; ++k) body(k, p, project(s.sources[k], x, float(tile.y), depth), depth);
    }
  }

  // What lanes behind the end of the strip get does not matter, but nothing is read there.
  static Floats depths_at(const mvs::FeatureSweep& s, const float* depths, std::int64_t p, std::int64_t count) {
    if (s.pixel_stride == 0) return splat(*depths);
    if (p + kLanes <= count) return load<Floats>(depths + p);
    Floats depth{};
    for (std::int64_t i = p; i < count; ++i) depth[i - p] = depths[i];
    return depth;
  }

  std::int32_t index_[mvs::kMaxFeatureSources][mvs::kStrip];
  float weights_[mvs::kMaxFeatureSources][4][mvs::kStrip], slopes_[mvs::kMaxFeatureSources][4][mvs::kStrip];
  std::int32_t seen_[mvs::kStrip];
  EvidenceScale scale_[mvs::kStrip];
};

// Sums of neighbours: those of a, then those of b.
inline Floats sum_neighbors(Floats a, Floats b) {
  Floats even, odd;
#if defined(__AVX512F__)
  even = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  odd = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif defined(__AVX2__)
  even = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
  odd = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
  even = __builtin_shufflevector(a, b, 0, 2, 4, 6);
  odd = __builtin_shufflevector(a, b, 1, 3, 5, 7);
#endif
  return even + odd;
}

// Copies past the caches, which have no use for a volume; end_writing_through() comes before others may read.
inline void write_through(float* to, const float* from, std::int64_t count) {
#if defined(__SSE4_1__)
  std::int64_t i = 0;
  while (i < count && reinterpret_cast<std::uintptr_t>(to + i) % 64 != 0) to[i] = from[i], ++i;
  for (; i + 16 <= count; i += 16) {
#if defined(__AVX512F__)
    _mm512_stream_ps(to + i, _mm512_loadu_ps(from + i));
#elif defined(__AVX2__)
    for (int k = 0; k < 16; k += 8) _mm256_stream_ps(to + i + k, _mm256_loadu_ps(from + i + k));
#else
    for (int k = 0; k < 16; k += 4) _mm_stream_ps(to + i + k, _mm_loadu_ps(from + i + k));
#endif
  }
  for (; i < count; ++i) to[i] = from[i];
#else
  __builtin_memcpy(to, from, count * sizeof(float));
#endif
}

inline void end_writing_through() {
#if defined(__SSE4_1__)
  _mm_sfence();
#endif
}

// Replaces values of channels by those of groups, `count` pixels: neighbours are added until one is left of a group, in
// the same tree for every width of vectors.
inline void sum_groups(const mvs::ChannelLayout& channels, std::int64_t count, float* values) {
  std::int64_t size = channels.packed_group_size;
  if (size == 1) return;
  std::int64_t n = count * channels.packed;
  for (; size > 1; size /= 2) {
    n /= 2;
    for (std::int64_t i = 0; i < n; i += kLanes) {
      const Floats a = load<Floats>(values + 2 * i), b = load<Floats>(values + 2 * i + kLanes);
      store(values + i, sum_neighbors(a, b));
    }
  }
  const std::int64_t stride = channels.packed / channels.packed_group_size;
  if (stride == channels.groups) return;
  for (std::int64_t p = 0; p < count; ++p) {
    for (std::int64_t g = 0; g < channels.groups; ++g) values[p * channels.groups + g] = values[p * stride + g];
  }
}

}  // namespace fastcv::FASTCV_ISA
