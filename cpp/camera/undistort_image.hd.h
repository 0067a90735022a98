// SPDX-License-Identifier: Apache-2.0
// One pixel of an undistorted image: where it lies in the photograph, and the photograph's bilinear value there.
#pragma once

#include "camera/models.hd.h"
#include "core/view.h"

namespace fastcv::FASTCV_ISA {

// fx, fy, cx, cy of the undistorted image and the model of the photograph. In double: a float carries a position in a
// large photograph to no better than a few thousandths of a pixel.
template <class Model>
struct SourcePosition {
  Params<Model, double> params;
  double fx, fy, cx, cy;

  SourcePosition(const double* source_params, const double* pinhole)
      : params(source_params), fx(pinhole[0]), fy(pinhole[1]), cx(pinhole[2]), cy(pinhole[3]) {}

  // Of the centre of the pixel in this row and column.
  FASTCV_HD Vec2<double> operator()(std::int64_t row, std::int64_t column) const {
    const double x = (static_cast<double>(column) + 0.5 - cx) / fx, y = (static_cast<double>(row) + 0.5 - cy) / fy;
    return Model::project(params.values, Vec3<double>{x, y, 1.0});
  }
};

FASTCV_HD void set_rounded(unsigned char* to, float value) { *to = static_cast<unsigned char>(value + 0.5F); }
FASTCV_HD void set_rounded(float* to, float value) { *to = value; }

// All channels of an (H, W, C) image at a position in pixels; 0 outside of the image and for NaN. The outermost half
// pixel, which has no neighbour on one side, repeats the border.
template <int kChannels, class V>
FASTCV_HD void sample_bilinear(const View<const V, 3>& image, const Vec2<double>& at, V* out) {
  const std::int64_t height = image.shape[0], width = image.shape[1];
  const bool inside =
      at.x >= 0 && at.x <= static_cast<double>(width) && at.y >= 0 && at.y <= static_cast<double>(height);
  if (!inside) {
    for (int c = 0; c < kChannels; ++c) out[c] = V(0);
    return;
  }
  const double x = at.x > 0.5 ? at.x - 0.5 : 0.0, y = at.y > 0.5 ? at.y - 0.5 : 0.0;
  const auto x0 = static_cast<std::int64_t>(x), y0 = static_cast<std::int64_t>(y);
  const auto left = x0 < width ? x0 : width - 1, right = x0 + 1 < width ? x0 + 1 : width - 1;
  const auto top = y0 < height ? y0 : height - 1, bottom = y0 + 1 < height ? y0 + 1 : height - 1;
  const float wx = static_cast<float>(x - static_cast<double>(x0)),
              wy = static_cast<float>(y - static_cast<double>(y0));
  const V *above = image.data + top * width * kChannels, *below = image.data + bottom * width * kChannels;
  for (int c = 0; c < kChannels; ++c) {
    const float a = above[left * kChannels + c], b = above[right * kChannels + c];
    const float d = below[left * kChannels + c], e = below[right * kChannels + c];
    const float upper = a + wx * (b - a), lower = d + wx * (e - d);
    set_rounded(out + c, upper + wy * (lower - upper));
  }
}

// Calls f(std::integral_constant<int, channels>) for 1 to 4 channels; false for another number.
template <class F>
bool with_channels(std::int64_t channels, F&& f) {
  switch (channels) {
    case 1:
      f(std::integral_constant<int, 1>{});
      return true;
    case 2:
      f(std::integral_constant<int, 2>{});
      return true;
    case 3:
      f(std::integral_constant<int, 3>{});
      return true;
    case 4:
      f(std::integral_constant<int, 4>{});
      return true;
    default:
      return false;
  }
}

}  // namespace fastcv::FASTCV_ISA
