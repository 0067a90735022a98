// SPDX-License-Identifier: Apache-2.0
// Soft carving over vectors of voxels against a GPU's functor, run here, to the last bit, and gradients against sums in
// the order of voxels.
#include "voxels/carve_soft.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "voxels/soft_voxel.hd.h"

using namespace fastcv;

namespace {

template <class T>
struct Scene {
  static constexpr int kViews = 37;  // more than are multiplied between two scalings
  std::vector<T> masks;
  std::vector<double> matrices;
  std::vector<std::int64_t> layout;

  Scene() {
    std::mt19937 random(5);
    const auto uniform = [&] { return double(random()) / 4294967296.0; };
    for (int view = 0; view < kViews; ++view) {
      const std::int64_t width = 1 + 7 * (view % 5), height = 1 + 5 * (view % 7);
      layout.insert(layout.end(), {width, height, static_cast<std::int64_t>(masks.size())});
      for (std::int64_t i = 0; i < width * height; ++i) {
        masks.push_back(static_cast<T>(random() % 40 == 0 ? -1 : random() % 4 == 0 ? 0 : uniform()));
      }
      const double scale[3] = {0.02 * double(width), 0.02 * double(height), 0.002};
      for (int row = 0; row < 3; ++row) {  // some of them with a plane w = 0 within the grid
        for (int k = 0; k < 3; ++k) matrices.push_back(scale[row] * (uniform() - (row == 2 ? 0.3 : 0.1)));
        matrices.push_back(row == 2 ? view % 6 == 0 ? 0.05 : 1 : 0.1 * uniform());
      }
    }
  }
  voxels::SoftCarving<T> carving(std::int64_t z, std::int64_t y, std::int64_t x, std::int32_t outside_violates) const {
    return {kViews, matrices.data(), layout.data(), masks.data(), {z, y, x}, {0.01, 0.8, 0.7, outside_violates}};
  }
};

template <class T>
void check_values() {
  const Scene<T> scene;
  for (const std::int64_t width : {1, 7, 64, 83}) {
    for (const int outside_violates : {0, 1}) {
      const auto c = scene.carving(3, 5, width, outside_violates);
      std::vector<T> one(c.num_voxels(), -7), three(c.num_voxels(), -7), gpu(c.num_voxels());
      voxels::carve_soft(c, one.data(), 1);
      voxels::carve_soft(c, three.data(), 3);
      const generic::SoftVoxel<T> voxel{c};
      for (std::int64_t i = 0; i < c.num_voxels(); ++i) {
        gpu[i] = static_cast<T>(generic::probability(voxel.odds(i)));
      }
      CHECK(one == gpu);
      CHECK(three == gpu);
    }
  }
}

template <class T>
void check_gradients(double tolerance) {
  const Scene<T> scene;
  const auto c = scene.carving(4, 6, 83, 0);
  std::vector<T> grad(c.num_voxels()), weights(c.num_voxels());
  std::mt19937 random(9);
  for (T& g : grad) g = static_cast<T>(double(random()) / 4294967296.0 - 0.5);
  std::vector<T> one(scene.masks.size(), -7), three(scene.masks.size(), -7);
  voxels::carve_soft_vjp(c, grad.data(), weights.data(), one.data(), 1);
  voxels::carve_soft_vjp(c, grad.data(), weights.data(), three.data(), 3);
  CHECK(one == three);
  const generic::SoftVoxel<T> voxel{c};
  const generic::Likelihoods likelihoods(c.sensor);
  std::vector<double> sums(scene.masks.size());
  double largest = 0;
  for (std::int64_t view = 0; view < c.count; ++view) {
    for (std::int64_t i = 0; i < c.num_voxels(); ++i) {
      const auto s = voxel.at(view, i);
      if (!s.seen) continue;
      const double g = double(grad[i]) * generic::probability_slope(voxel.odds(i)) * likelihoods.slope(s.value);
      double* pixel = sums.data() + c.layout[3 * view + 2] + s.first;
      pixel[0] += (1 - s.x) * (1 - s.y) * g;
      pixel[s.right] += s.x * (1 - s.y) * g;
      pixel[s.down] += (1 - s.x) * s.y * g;
      pixel[s.down + s.right] += s.x * s.y * g;
      CHECK(std::abs(likelihoods.slope(s.value)) <= likelihoods.largest_slope());
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) largest = std::max(largest, std::abs(sums[i]));
  double error = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) error = std::max(error, std::abs(sums[i] - double(one[i])));
  CHECK(largest > 0.1);
  CHECK(error < tolerance * largest);
}

}  // namespace

TEST_CASE("soft carving comes to the same bits on vectors of voxels and on a GPU's") {
  check_values<float>();
  check_values<double>();
}

TEST_CASE("gradients of soft carving are sums over voxels") {
  check_gradients<float>(1e-6);
  check_gradients<double>(1e-13);
}
