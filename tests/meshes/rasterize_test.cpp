// SPDX-License-Identifier: Apache-2.0
// Rasterising by tiles against all triangles at every pixel, with vertices behind the camera and numbers of every size.
#include "meshes/rasterize.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "meshes/components.h"

using namespace fastcv;

namespace {

struct Soup {
  std::vector<double> vertices;
  std::vector<std::int32_t> faces;

  meshes::Triangles triangles() const {
    return {{vertices.data(), {static_cast<std::int64_t>(vertices.size()) / 3, 3}},
            {faces.data(), {static_cast<std::int64_t>(faces.size()) / 3, 3}}};
  }
};

// Triangles all over and beyond a picture of 150 x 100, some of whose vertices lie behind the camera.
Soup soup(int count, bool extreme) {
  std::mt19937 random(7);
  const auto uniform = [&](double low, double high) { return low + (high - low) * double(random()) / 4294967296.0; };
  Soup result;
  for (int i = 0; i < 3 * count; ++i) {
    double w = uniform(-0.3, 2);
    if (extreme && i % 11 == 0) w = i % 2 ? 1e-300 : -1e-12;
    result.vertices.insert(result.vertices.end(), {uniform(-50, 200) * w, uniform(-50, 150) * w, w});
    if (extreme && i % 97 == 0) result.vertices.back() = NAN;
    if (extreme && i % 101 == 0) result.vertices[3 * i] = 1e308;
    result.faces.push_back(i);
  }
  return result;
}

struct Picture {
  std::int64_t height, width;
  std::vector<float> depth, weights;
  std::vector<std::int32_t> faces;

  Picture(const Soup& soup, std::int64_t h, std::int64_t w, int threads)
      : height(h), width(w), depth(h * w), weights(3 * h * w), faces(h * w) {
    meshes::rasterize(soup.triangles(), {h, w, depth.data(), faces.data(), weights.data()}, threads);
  }
};

// Depth of a triangle at a pixel by Cramer's rule, infinite where it is not there: (x, y, 1) / depth = sum of its
// vertices' shares.
double depth_at(const Soup& soup, int face, double x, double y) {
  const double* v = soup.vertices.data() + 9 * face;
  const auto det = [](const double* a, const double* b, const double* c) {
    return a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
  };
  const double pixel[3] = {x, y, 1}, whole = det(v, v + 3, v + 6);
  const double share[3] = {det(pixel, v + 3, v + 6) / whole, det(v, pixel, v + 6) / whole,
                           det(v, v + 3, pixel) / whole};
  const bool there = share[0] >= 0 && share[1] >= 0 && share[2] >= 0;
  return there ? 1 / (share[0] + share[1] + share[2]) : INFINITY;
}

}  // namespace

TEST_CASE("every pixel shows the nearest of all triangles") {
  const Soup all = soup(150, false);
  const Picture picture(all, 100, 150, 3);
  int shown = 0, wrong = 0;
  for (std::int64_t pixel = 0; pixel < picture.height * picture.width; ++pixel) {
    const double x = double(pixel % picture.width) + 0.5, y = double(pixel / picture.width) + 0.5;
    double nearest = INFINITY;
    for (int face = 0; face < 150; ++face) nearest = std::min(nearest, depth_at(all, face, x, y));
    const std::int32_t face = picture.faces[pixel];
    REQUIRE((face >= 0) == std::isfinite(nearest));
    if (face < 0) continue;
    ++shown;
    wrong += std::abs(picture.depth[pixel] - nearest) > 1e-6 * nearest;
    wrong += std::abs(depth_at(all, face, x, y) - nearest) > 1e-6 * nearest;
    const float* weights = picture.weights.data() + 3 * pixel;
    double at[2] = {0, 0};
    for (int k = 0; k < 3; ++k) {
      for (int i = 0; i < 2; ++i) at[i] += weights[k] * all.vertices[9 * face + 3 * k + i];
    }
    // Float weights of vertices up to 400 units away.
    wrong += std::abs(at[0] - x * nearest) > 1e-3 || std::abs(at[1] - y * nearest) > 1e-3;
  }
  CHECK(shown > 10000);
  CHECK(wrong == 0);
}

TEST_CASE("numbers of every size are survived, alike for every number of threads") {
  const Soup all = soup(3000, true);
  const Picture one(all, 77, 131, 1), three(all, 77, 131, 3);
  CHECK(one.faces == three.faces);
  CHECK(one.depth == three.depth);
  for (std::size_t i = 0; i < one.faces.size(); ++i) {
    REQUIRE(one.faces[i] < 3000);
    REQUIRE((one.faces[i] >= 0) == (one.depth[i] > 0));
  }
}

TEST_CASE("connected vertices have the lowest number of theirs") {
  const std::vector<std::int32_t> faces{5, 6, 7, 0, 1, 2, 8, 7, 9, 2, 3, 0};
  std::vector<std::int32_t> labels(11, -1);
  meshes::connected_vertices({faces.data(), {4, 3}}, {labels.data(), {11}});
  CHECK(labels == std::vector<std::int32_t>{0, 0, 0, 0, 4, 5, 5, 5, 5, 5, 10});
}
