// SPDX-License-Identifier: Apache-2.0
// Undistortion of image rows, compiled once per instruction set: positions in vector code, then the samples.
#include "camera/undistort_image.hd.h"
// The declarations come after what they mention.
#include "camera/undistort_image.leaf.h"

namespace fastcv::FASTCV_ISA::camera {
namespace {

// Taps of consecutive pixels, laid out for vector code.
template <int kBlock>
struct Taps {
  std::int32_t columns[kBlock], rows[kBlock];
  float right[kBlock], lower[kBlock];

  void set(int i, const Tap& tap) {
    columns[i] = tap.column;
    rows[i] = tap.row;
    right[i] = tap.right;
    lower[i] = tap.lower;
  }
  Tap operator[](int i) const { return {columns[i], rows[i], right[i], lower[i]}; }
};

template <int kChannels, class Model, class V>
void undistort_row(const SourcePosition<Model>& position, View<const V, 3> image, View<V, 3> result, std::int64_t row) {
  constexpr int kBlock = 64;
  Taps<kBlock> taps;
  V corners[4][kChannels][kBlock], values[kChannels][kBlock];
  const auto image_width = static_cast<std::int32_t>(image.shape[1]);
  const auto image_height = static_cast<std::int32_t>(image.shape[0]);
  const Neighbours next(image);
  const std::int64_t width = result.shape[1];
  V* out = result.data + row * width * kChannels;
  for (std::int64_t begin = 0; begin < width; begin += kBlock, out += kBlock * kChannels) {
    for (int i = 0; i < kBlock; ++i) taps.set(i, tap_at(position(row, begin + i), image_width, image_height));
    // Only the reading goes pixel by pixel; one that lies outside reads the first pixel in vain.
    for (int i = 0; i < kBlock; ++i) {
      const V* at =
          image.data + (taps.columns[i] < 0 ? 0 : taps.rows[i] * next.row_stride + taps.columns[i] * kChannels);
      FASTCV_UNROLL
      for (int c = 0; c < kChannels; ++c) {
        corners[0][c][i] = at[c];
        corners[1][c][i] = at[next.right + c];
        corners[2][c][i] = at[next.below + c];
        corners[3][c][i] = at[next.below + next.right + c];
      }
    }
    for (int c = 0; c < kChannels; ++c) {
      for (int i = 0; i < kBlock; ++i) {
        values[c][i] = blend(corners[0][c][i], corners[1][c][i], corners[2][c][i], corners[3][c][i], taps[i]);
      }
    }
    const std::int64_t count = width - begin < kBlock ? width - begin : kBlock;
    for (std::int64_t i = 0; i < count; ++i) {
      FASTCV_UNROLL
      for (int c = 0; c < kChannels; ++c) out[i * kChannels + c] = values[c][i];
    }
  }
}

}  // namespace

template <class V>
bool undistort_image(int model_id, const double* params, const double* ray_from_pixel, View<const V, 3> image,
                     View<V, 3> result, std::int64_t begin, std::int64_t end) {
  bool known = false;
  with_model(model_id, [&](auto model) {
    const SourcePosition<decltype(model)> position(params, ray_from_pixel);
    known = with_channels(image.shape[2], [&](auto channels) {
      for (std::int64_t row = begin; row < end; ++row) {
        undistort_row<decltype(channels)::value>(position, image, result, row);
      }
    });
  });
  return known;
}

template bool undistort_image(int, const double*, const double*, View<const unsigned char, 3>, View<unsigned char, 3>,
                              std::int64_t, std::int64_t);
template bool undistort_image(int, const double*, const double*, View<const float, 3>, View<float, 3>, std::int64_t,
                              std::int64_t);

}  // namespace fastcv::FASTCV_ISA::camera
