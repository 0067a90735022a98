// SPDX-License-Identifier: Apache-2.0
// Undistortion of image rows, compiled once per instruction set: positions in vector code, then the samples.
#include "camera/undistort_image.hd.h"
// The declarations come after what they mention.
#include "camera/undistort_image.leaf.h"

namespace fastcv::FASTCV_ISA::camera {
namespace {

template <int kChannels, class Model, class V>
void undistort_row(const SourcePosition<Model>& position, View<const V, 3> image, View<V, 3> result, std::int64_t row) {
  constexpr int kBlock = 64;
  std::int32_t columns[kBlock], rows[kBlock];
  float right[kBlock], lower[kBlock];
  const auto image_width = static_cast<std::int32_t>(image.shape[1]);
  const auto image_height = static_cast<std::int32_t>(image.shape[0]);
  const std::int64_t width = result.shape[1];
  V* out = result.data + row * width * kChannels;
  for (std::int64_t begin = 0; begin < width; begin += kBlock) {
    for (int i = 0; i < kBlock; ++i) {
      const Tap tap = tap_at(position(row, begin + i), image_width, image_height);
      columns[i] = tap.column;
      rows[i] = tap.row;
      right[i] = tap.right;
      lower[i] = tap.lower;
    }
    const std::int64_t count = width - begin < kBlock ? width - begin : kBlock;
    for (int i = 0; i < count; ++i) {
      sample_bilinear<kChannels>(image, Tap{columns[i], rows[i], right[i], lower[i]}, out + (begin + i) * kChannels);
    }
  }
}

}  // namespace

template <class V>
bool undistort_image(int model_id, const double* params, const double* pinhole, View<const V, 3> image,
                     View<V, 3> result, std::int64_t begin, std::int64_t end) {
  bool known = false;
  with_model(model_id, [&](auto model) {
    const SourcePosition<decltype(model)> position(params, pinhole);
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
