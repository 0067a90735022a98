// SPDX-License-Identifier: Apache-2.0
// One pixel of an undistorted image: where it lies in the photograph, and the photograph's bilinear value there.
#pragma once

#include "camera/models.hd.h"
#include "core/view.h"

namespace fastcv::FASTCV_ISA {

// From pixels of the result to rays of the photograph's camera, and its model. In double: a float carries a position in
// a large photograph to no better than a few thousandths of a pixel.
template <class Model>
struct SourcePosition {
  Params<Model, double> params;
  double ray_from_pixel[9];

  SourcePosition(const double* source_params, const double* matrix) : params(source_params) {
    for (int k = 0; k < 9; ++k) ray_from_pixel[k] = matrix[k];
  }

  // Of the centre of the pixel in this row and column.
  FASTCV_HD Vec2<double> operator()(std::int64_t row, std::int64_t column) const {
    const double x = static_cast<double>(column) + 0.5, y = static_cast<double>(row) + 0.5;
    const double* m = ray_from_pixel;
    return Model::project(params.values, Vec3<double>{m[0] * x + (m[1] * y + m[2]), m[3] * x + (m[4] * y + m[5]),
                                                      m[6] * x + (m[7] * y + m[8])});
  }
};

// Where a bilinear sample reads: the upper left of four pixels and the weights of the right and the lower ones.
struct Tap {
  std::int32_t column, row;  // column -1: outside of the image
  float right, lower;
};

// The tap at a position in pixels; NaN is outside. The outermost half pixel, which has no neighbour on one side,
// repeats the border.
FASTCV_HD Tap tap_at(const Vec2<double>& at, std::int32_t width, std::int32_t height) {
  const bool inside = (at.x >= 0) & (at.x <= width) & (at.y >= 0) & (at.y <= height);
  const double right_most = width - 1, lowest = height - 1;
  double x = inside ? at.x - 0.5 : 0, y = inside ? at.y - 0.5 : 0;
  x = x < 0 ? 0 : x > right_most ? right_most : x;
  y = y < 0 ? 0 : y > lowest ? lowest : y;
  // The last column is the right neighbour of the one before, with all of the weight.
  const auto last_column = width > 1 ? width - 2 : 0, last_row = height > 1 ? height - 2 : 0;
  const auto floor_x = static_cast<std::int32_t>(x), floor_y = static_cast<std::int32_t>(y);
  const std::int32_t column = floor_x < last_column ? floor_x : last_column;
  const std::int32_t row = floor_y < last_row ? floor_y : last_row;
  return {inside ? column : -1, row, static_cast<float>(x - column), static_cast<float>(y - row)};
}

// The four pixels around a tap, as offsets to the upper left one.
struct Neighbours {
  std::int64_t row_stride, right, below;

  template <class V>
  explicit FASTCV_HD Neighbours(const View<const V, 3>& image)
      : row_stride(image.shape[1] * image.shape[2]),
        right(image.shape[1] > 1 ? image.shape[2] : 0),
        below(image.shape[0] > 1 ? row_stride : 0) {}
};

// To the nearest byte; float stays.
template <class V>
FASTCV_HD V rounded(float value) {
  return static_cast<V>(std::is_same_v<V, unsigned char> ? value + 0.5F : value);
}

// The value between four pixels; 0 outside.
template <class V>
FASTCV_HD V blend(V upper_left, V upper_right, V lower_left, V lower_right, const Tap& tap) {
  const float a = upper_left, b = upper_right, c = lower_left, d = lower_right;
  const float upper = a + tap.right * (b - a), lower = c + tap.right * (d - c);
  const V value = rounded<V>(upper + tap.lower * (lower - upper));
  return tap.column < 0 ? V(0) : value;
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
