// SPDX-License-Identifier: Apache-2.0
// What a view sees of a voxel: the mean colour of the voxel's footprint, as far as nothing lies in front of it.
#pragma once

#include <cmath>

#include "voxels/photographs.h"

namespace fastcv::FASTCV_ISA {

struct Observation {
  double color[3];  // mean levels
  double roughness;
  double share;  // of the footprint: 0 where the view does not see the voxel
};

// Pixels covered by [low, high), in kSubpixels of a pixel.
struct Span {
  std::int64_t low, high;
};
constexpr std::int64_t kSubpixels = 256;

FASTCV_HD Span span_around(double middle, double half) {
  return {static_cast<std::int64_t>(std::floor((middle - half) * kSubpixels)),
          static_cast<std::int64_t>(std::floor((middle + half) * kSubpixels))};
}
// How much of a pixel a span covers.
FASTCV_HD std::int64_t cover(const Span& span, std::int64_t pixel) {
  const std::int64_t low = pixel * kSubpixels, high = low + kSubpixels;
  return (span.high < high ? span.high : high) - (span.low > low ? span.low : low);
}

// The footprint is the rectangle around the centre as large as the voxel's front, at least a pixel wide, of which a
// narrow one is a bilinear sample. Its pixels count by the share of them that it covers, where their rays end within
// the slab of depths that the voxel takes. None do where the footprint leaves the image and, if `centrally`, where the
// pixel under the centre does not.
FASTCV_HD Observation observe(const voxels::Photographs& photos, const float* depths, std::int64_t view,
                              const std::int64_t* voxel, bool centrally) {
  const double* m = photos.geometry + view * voxels::kGeometry;
  const std::int64_t* layout = photos.layout + view * voxels::kPhotoLayout;
  const double x = double(voxel[0]) + 0.5, y = double(voxel[1]) + 0.5, z = double(voxel[2]) + 0.5;
  const double w = m[8] * x + (m[9] * y + (m[10] * z + m[11]));
  const double reach = 0.5 * (std::fabs(m[8]) + std::fabs(m[9]) + std::fabs(m[10]));
  const double near = w - reach, far = w + reach;
  Observation seen{};
  if (!(near > 0)) return seen;
  const double inverse = 1 / w;
  const double u = (m[0] * x + (m[1] * y + (m[2] * z + m[3]))) * inverse;
  const double v = (m[4] * x + (m[5] * y + (m[6] * z + m[7]))) * inverse;
  if (!(u >= 0 && v >= 0 && u < double(layout[0]) && v < double(layout[1]))) return seen;
  const auto sees = [=](std::int64_t pixel) { return depths[pixel] >= near && depths[pixel] <= far; };
  if (centrally && !sees(layout[2] + static_cast<std::int64_t>(v) * layout[0] + static_cast<std::int64_t>(u))) {
    return seen;
  }
  const double half_u = 0.5 * m[24] * inverse, half_v = 0.5 * m[25] * inverse;
  const Span across = span_around(u, half_u < 0.5 ? 0.5 : half_u), down = span_around(v, half_v < 0.5 ? 0.5 : half_v);
  if (across.low < 0 || down.low < 0 || across.high > layout[0] * kSubpixels || down.high > layout[1] * kSubpixels) {
    return seen;
  }
  std::int64_t weight = 0, sums[4] = {};
  for (std::int64_t row = down.low / kSubpixels; row * kSubpixels < down.high; ++row) {
    const std::int64_t share = cover(down, row), first = layout[2] + row * layout[0];
    for (std::int64_t column = across.low / kSubpixels; column * kSubpixels < across.high; ++column) {
      if (!sees(first + column)) continue;
      const auto pixel = static_cast<std::uint32_t>(photos.pixels[first + column]);
      const std::int64_t covered = share * cover(across, column);
      weight += covered;
      for (int i = 0; i < 4; ++i) sums[i] += covered * (pixel >> (8 * i) & 255U);
    }
  }
  if (weight == 0) return seen;
  seen.share = double(weight) / double((across.high - across.low) * (down.high - down.low));
  const double scale = 1 / double(weight);
  for (int i = 0; i < 3; ++i) seen.color[i] = double(sums[i]) * scale;
  seen.roughness = double(sums[3]) * scale;
  return seen;
}

}  // namespace fastcv::FASTCV_ISA
