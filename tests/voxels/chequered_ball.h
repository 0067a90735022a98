// SPDX-License-Identifier: Apache-2.0
// Photographs of a chequered ball, with all voxels on the ray through every pixel: what tests carve.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "voxels/space_carve.h"

namespace chequered {

using namespace fastcv;

using Bytes = std::vector<std::uint8_t>;
using Vec = std::array<double, 3>;

inline double dot(const double* a, const double* b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
inline Vec cross(const double* a, const double* b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
inline Vec unit(Vec a) {
  const double length = std::sqrt(dot(a.data(), a.data()));
  return {a[0] / length, a[1] / length, a[2] / length};
}

struct Hit {
  std::int64_t voxel;
  double depth;
};
// Cameras around a chequered ball, before a background that no pixel takes part in.
struct Scene {
  static constexpr std::int64_t kViews = 9, kWidth = 37, kHeight = 30, kPixels = kWidth * kHeight;
  std::int64_t shape[3] = {17, 12, 19};
  std::vector<double> geometry;
  std::vector<std::int64_t> layout;
  Bytes images;
  std::vector<std::int32_t> pixels;
  std::vector<std::vector<Hit>> rays;  // all voxels, the first one first; none for the background

  Scene() : pixels(kViews * kPixels, 77) {
    for (std::int64_t view = 0; view < kViews; ++view) {
      const double angle = 0.3 + 0.7 * double(view), height = view % 2 == 0 ? 17.3 : -9.1;
      add_camera({60 * std::cos(angle), 60 * std::sin(angle), height});
      layout.insert(layout.end(), {kWidth, kHeight, view * kPixels});
      add_image(view);
      const View<const std::uint8_t, 3> image{images.data() + 3 * view * kPixels, {kHeight, kWidth, 3}};
      voxels::pack_photograph(image, pixels.data() + view * kPixels, 2);
    }
  }
  const double* view_geometry(std::int64_t view) const { return geometry.data() + view * voxels::kGeometry; }
  std::int64_t count() const { return shape[0] * shape[1] * shape[2]; }
  std::int64_t number(std::int64_t x, std::int64_t y, std::int64_t z) const {
    return (z * shape[1] + y) * shape[2] + x;
  }
  // A shell around the ball that is to be seen: rays can come to lose all that they meet.
  Bytes start() const {
    Bytes states(count());
    for (std::int64_t i = 0; i < count(); ++i) {
      const Vec center = middle();
      const double offset[3] = {double(i % shape[2]) + 0.5 - center[0],
                                double(i / shape[2] % shape[1]) + 0.5 - center[1],
                                double(i / shape[2] / shape[1]) + 0.5 - center[2]};
      const double square = dot(offset, offset);
      states[i] = square < 7.4 * 7.4 && square > 4.9 * 4.9;
    }
    return states;
  }
  Vec middle() const { return {0.5 * double(shape[2]), 0.5 * double(shape[1]), 0.5 * double(shape[0])}; }

  void add_camera(Vec from) {
    const Vec to = middle();
    const Vec eye{to[0] + from[0], to[1] + from[1], to[2] + from[2]}, forward = unit({-from[0], -from[1], -from[2]});
    const double up[3] = {0.1, 0.2, 1};
    const Vec right = unit(cross(forward.data(), up)), down = cross(forward.data(), right.data());
    const double focal[2] = {84.3, 81.7}, center[2] = {18.71, 15.13};
    double rows[3][3];
    for (int k = 0; k < 3; ++k) {
      rows[0][k] = focal[0] * right[k] + center[0] * forward[k];
      rows[1][k] = focal[1] * down[k] + center[1] * forward[k];
      rows[2][k] = forward[k];
    }
    for (const auto& row : rows) geometry.insert(geometry.end(), {row[0], row[1], row[2], -dot(row, eye.data())});
    geometry.insert(geometry.end(), eye.begin(), eye.end());
    for (int k = 0; k < 3; ++k) {  // the inverse: right, down and forward are orthonormal
      geometry.insert(geometry.end(), {right[k] / focal[0], down[k] / focal[1],
                                       forward[k] - center[0] / focal[0] * right[k] - center[1] / focal[1] * down[k]});
    }
    for (int k = 0; k < 2; ++k) {
      const Vec side = cross(rows[k], rows[2]);
      geometry.push_back(std::sqrt(dot(side.data(), side.data())));
    }
  }
  // A ball of half the grid's height, and noise on it.
  void add_image(std::int64_t view) {
    std::mt19937 random(static_cast<unsigned>(view) + 3);
    const double* g = view_geometry(view);
    const Vec center = middle();
    for (std::int64_t i = 0; i < kPixels; ++i) {
      const double u = double(i % kWidth) + 0.5, v = double(i / kWidth) + 0.5;
      Vec way, from;
      for (int k = 0; k < 3; ++k) {
        way[k] = g[15 + 3 * k] * u + g[16 + 3 * k] * v + g[17 + 3 * k];
        from[k] = g[12 + k] - center[k];
      }
      const double a = dot(way.data(), way.data()), b = dot(way.data(), from.data());
      const double root = b * b - a * (dot(from.data(), from.data()) - 5.3 * 5.3);
      const double depth = root > 0 ? (-b - std::sqrt(root)) / a : 0;
      bool dark = false;
      for (int k = 0; k < 3; ++k) dark ^= (static_cast<int>(std::floor((from[k] + depth * way[k]) / 3.1)) & 1) != 0;
      for (int k = 0; k < 3; ++k) {
        const double place = 128 + 12 * (from[k] + depth * way[k]) / 5.3 + (dark ? -50 : 50);
        images.push_back(static_cast<std::uint8_t>(place + double(random() % 5)));
      }
      rays.push_back(root > 0 ? voxels_on(g, way) : std::vector<Hit>{});
    }
  }
  // By the slabs of every voxel.
  std::vector<Hit> voxels_on(const double* g, const Vec& way) const {
    std::vector<Hit> hits;
    for (std::int64_t i = 0; i < count(); ++i) {
      const std::int64_t at[3] = {i % shape[2], i / shape[2] % shape[1], i / shape[2] / shape[1]};
      double entry = 0, exit = 1e300;
      for (int k = 0; k < 3; ++k) {
        const double one = (double(at[k]) - g[12 + k]) / way[k], other = (double(at[k] + 1) - g[12 + k]) / way[k];
        entry = std::max(entry, std::min(one, other));
        exit = std::min(exit, std::max(one, other));
      }
      if (entry < exit - 1e-12) hits.push_back({i, entry});
    }
    std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.depth < b.depth; });
    return hits;
  }
};

}  // namespace chequered
