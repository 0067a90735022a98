// SPDX-License-Identifier: Apache-2.0
// Rasterises without clipping, in homogeneous coordinates (Olano & Greer 1997, "Triangle scan conversion using 2D
// homogeneous coordinates"), tile by tile, with the triangles of every tile in their order.
#include "meshes/rasterize.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/parallel.h"

namespace fastcv::meshes {
namespace {

constexpr std::int64_t kTileWidth = 64, kTileHeight = 32;

// Pixels [x0, x1) x [y0, y1).
struct Box {
  std::int32_t x0, x1, y0, y1;
  bool empty() const { return x0 >= x1 || y0 >= y1; }
};

// What bounds the part of a triangle in front of the camera.
struct Bounds {
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};

  void add(double xw, double yw, double w) {
    const double at[2] = {xw / w, yw / w};
    for (int k = 0; k < 2; ++k) {
      low[k] = std::min(low[k], at[k]);
      high[k] = std::max(high[k], at[k]);
    }
  }
  // Pixels whose centres can lie within.
  Box pixels(std::int64_t width, std::int64_t height) const {
    const auto clamped = [](double x, std::int64_t end) {
      return static_cast<std::int32_t>(std::clamp(x, 0.0, static_cast<double>(end)));
    };
    return {clamped(std::ceil(low[0] - 0.5), width), clamped(std::floor(high[0] - 0.5) + 1, width),
            clamped(std::ceil(low[1] - 0.5), height), clamped(std::floor(high[1] - 0.5) + 1, height)};
  }
};

Box box_of(const Triangles& triangles, std::int64_t face, const Raster& raster) {
  const double* corner[3];
  double farthest = 0;
  bool usable = true;
  for (int k = 0; k < 3; ++k) {
    corner[k] = &triangles.vertices(triangles.faces(face, k), 0);
    for (int i = 0; i < 3; ++i) usable &= std::isfinite(corner[k][i]);
    farthest = std::max(farthest, corner[k][2]);
  }
  if (!usable || farthest <= 0) return {0, 0, 0, 0};
  // So close to the camera's plane that what is nearer projects beyond any image, but for a sliver.
  const double near = 1e-9 * farthest;
  Bounds bounds;
  for (int k = 0; k < 3; ++k) {
    const double *a = corner[k], *b = corner[(k + 1) % 3];
    if (a[2] >= near) bounds.add(a[0], a[1], a[2]);
    if ((a[2] >= near) == (b[2] >= near)) continue;
    const double t = (near - a[2]) / (b[2] - a[2]);
    bounds.add(a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), near);
  }
  return bounds.pixels(raster.width, raster.height);
}

// Three linear functions of the pixel, positive within the triangle and in proportion to the weights of its corners.
struct Edges {
  double of[3][3];
  double determinant;  // their sum, times depth

  // Of an edge that two triangles share, each has the exact negative of the other's.
  explicit Edges(const Triangles& triangles, std::int64_t face) {
    const double* v[3];
    for (int k = 0; k < 3; ++k) v[k] = &triangles.vertices(triangles.faces(face, k), 0);
    for (int k = 0; k < 3; ++k) {
      const double *a = v[(k + 1) % 3], *b = v[(k + 2) % 3];
      for (int i = 0; i < 3; ++i) {
        of[k][i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
      }
    }
    determinant = v[0][0] * of[0][0] + v[0][1] * of[0][1] + v[0][2] * of[0][2];
    if (determinant >= 0) return;
    for (auto& edge : of) {
      for (double& value : edge) value = -value;
    }
    determinant = -determinant;
  }
  double at(int k, double x, double y) const { return of[k][0] * x + (of[k][1] * y + of[k][2]); }
};

// Faces of every tile, in their order: counted, then placed, by chunks of faces.
class Bins {
 public:
  Bins(const Triangles& triangles, const Raster& raster, int num_threads)
      : columns_((raster.width + kTileWidth - 1) / kTileWidth),
        tiles_(columns_ * ((raster.height + kTileHeight - 1) / kTileHeight)),
        num_faces_(triangles.faces.shape[0]),
        chunk_(std::max<std::int64_t>(1 << 14, num_faces_ / 256)),
        boxes_(num_faces_),
        places_((num_faces_ / chunk_ + 1) * tiles_),
        ends_(tiles_) {
    parallel_for(num_faces_, chunk_, num_threads, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t face = begin; face < end; ++face) boxes_[face] = box_of(triangles, face, raster);
      visit(begin, end, [](std::int64_t& place, std::int64_t /*face*/) { ++place; });
    });
    std::int64_t total = 0;
    for (std::int64_t tile = 0; tile < tiles_; ++tile) {
      for (std::int64_t at = tile; at < static_cast<std::int64_t>(places_.size()); at += tiles_) {
        total += std::exchange(places_[at], total);
      }
      ends_[tile] = total;
    }
    faces_.resize(total);
    parallel_for(num_faces_, chunk_, num_threads, [&](std::int64_t begin, std::int64_t end) {
      visit(begin, end,
            [&](std::int64_t& place, std::int64_t face) { faces_[place++] = static_cast<std::int32_t>(face); });
    });
  }
  std::int64_t num_tiles() const { return tiles_; }
  Box box(std::int64_t face) const { return boxes_[face]; }
  Box tile(std::int64_t tile, const Raster& raster) const {
    const std::int64_t x = tile % columns_ * kTileWidth, y = tile / columns_ * kTileHeight;
    return {static_cast<std::int32_t>(x), static_cast<std::int32_t>(std::min(x + kTileWidth, raster.width)),
            static_cast<std::int32_t>(y), static_cast<std::int32_t>(std::min(y + kTileHeight, raster.height))};
  }
  const std::int32_t* begin(std::int64_t tile) const { return faces_.data() + (tile == 0 ? 0 : ends_[tile - 1]); }
  const std::int32_t* end(std::int64_t tile) const { return faces_.data() + ends_[tile]; }

 private:
  // Calls work(place, face) for the tiles of each face of one chunk.
  template <class Work>
  void visit(std::int64_t begin, std::int64_t end, const Work& work) {
    std::int64_t* places = places_.data() + begin / chunk_ * tiles_;
    for (std::int64_t face = begin; face < end; ++face) {
      const Box& box = boxes_[face];
      if (box.empty()) continue;
      for (std::int64_t y = box.y0 / kTileHeight; y <= (box.y1 - 1) / kTileHeight; ++y) {
        for (std::int64_t x = box.x0 / kTileWidth; x <= (box.x1 - 1) / kTileWidth; ++x) {
          work(places[y * columns_ + x], face);
        }
      }
    }
  }

  const std::int64_t columns_, tiles_, num_faces_, chunk_;
  std::vector<Box> boxes_;
  std::vector<std::int64_t> places_;  // (chunks, tiles): counts, then where the next face of a chunk goes
  std::vector<std::int64_t> ends_;
  std::vector<std::int32_t> faces_;
};

void draw(const Triangles& triangles, std::int32_t face, const Box& box, const Raster& raster) {
  const Edges edges(triangles, face);
  if (!(edges.determinant > 0)) return;  // seen from its side, or no triangle
  for (std::int64_t y = box.y0; y < box.y1; ++y) {
    for (std::int64_t x = box.x0; x < box.x1; ++x) {
      double weight[3];
      for (int k = 0; k < 3; ++k) weight[k] = edges.at(k, double(x) + 0.5, double(y) + 0.5);
      if (!(weight[0] >= 0 && weight[1] >= 0 && weight[2] >= 0)) continue;
      const double sum = weight[0] + weight[1] + weight[2];
      const float depth = static_cast<float>(edges.determinant / sum);
      const std::int64_t pixel = y * raster.width + x;
      // A depth too small for float would read as none.
      if (!(depth > 0 && depth < raster.depth[pixel])) continue;
      raster.depth[pixel] = depth;
      raster.faces[pixel] = face;
      for (int k = 0; k < 3; ++k) raster.weights[3 * pixel + k] = static_cast<float>(weight[k] / sum);
    }
  }
}

template <class Work>
void for_pixels(const Box& box, const Raster& raster, const Work& work) {
  for (std::int64_t y = box.y0; y < box.y1; ++y) {
    for (std::int64_t x = box.x0; x < box.x1; ++x) work(y * raster.width + x);
  }
}

}  // namespace

void rasterize(const Triangles& triangles, const Raster& raster, int num_threads) {
  const Bins bins(triangles, raster, num_threads);
  parallel_for(bins.num_tiles(), 1, num_threads, [&](std::int64_t tile, std::int64_t) {
    const Box area = bins.tile(tile, raster);
    for_pixels(area, raster, [&](std::int64_t pixel) {
      raster.depth[pixel] = INFINITY;
      raster.faces[pixel] = -1;
      for (int k = 0; k < 3; ++k) raster.weights[3 * pixel + k] = 0;
    });
    for (const std::int32_t* face = bins.begin(tile); face != bins.end(tile); ++face) {
      const Box box = bins.box(*face);
      draw(triangles, *face,
           {std::max(box.x0, area.x0), std::min(box.x1, area.x1), std::max(box.y0, area.y0), std::min(box.y1, area.y1)},
           raster);
    }
    for_pixels(area, raster, [&](std::int64_t pixel) {
      if (raster.faces[pixel] < 0) raster.depth[pixel] = 0;
    });
  });
}

}  // namespace fastcv::meshes
