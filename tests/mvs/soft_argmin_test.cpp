// SPDX-License-Identifier: Apache-2.0
// Soft-argmin of single pixels, which GPUs run, has the bits of the strips: depths, uncertainties and gradients.
#include "mvs/soft_argmin.hd.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace fastcv {
namespace {

constexpr std::int64_t kNum = 9, kHeight = 3, kWidth = 1100, kPixels = kHeight * kWidth;

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST_CASE("the exponential function") {
  for (double x = 0; x > -87; x -= 0.0137) {
    const auto f = static_cast<float>(x);
    CHECK(generic::exp_of_negative(f) == doctest::Approx(std::exp(double(f))).epsilon(4e-7));
  }
  CHECK(generic::exp_of_negative(0.0F) == 1.0F);
  CHECK(generic::exp_of_negative(-87.5F) == 0.0F);
  CHECK(generic::exp_of_negative(-INFINITY) == 0.0F);
}

TEST_CASE("soft-argmin of pixels and of strips") {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(0.0F, 1.0F);
  std::vector<float> costs(kNum * kPixels), planes(kNum * 3), bounds(2 * kPixels), grad(2 * kPixels);
  for (auto& value : costs) value = random() % 8 == 0 ? NAN : uniform(random);
  for (auto& value : bounds) value = random() % 50 == 0 ? NAN : 0.2F + uniform(random);
  for (auto& value : grad) value = uniform(random) - 0.5F;
  for (std::int64_t k = 0; k < kNum; ++k) {
    planes[3 * k] = 1e-4F;  // slanted, some of it behind the camera
    planes[3 * k + 2] = float(k) / float(kNum - 1) - 0.05F;
  }
  for (const float* b : {static_cast<const float*>(nullptr), static_cast<const float*>(bounds.data())}) {
    const mvs::SoftCosts s{{costs.data(), {kNum, kHeight, kWidth}}, {planes.data(), b, kNum}, 7.0F};
    const auto map = [](std::vector<float>& values, std::int64_t at) {
      return View<float, 2>{values.data() + at * kPixels, {kHeight, kWidth}};
    };
    std::vector<float> expected(2 * kPixels), maps(2 * kPixels), expected_grad(costs.size()), grads(costs.size());
    const generic::SoftArgminPixel pixel{s};
    const mvs::SoftDepthGrad upstream{{grad.data(), {kHeight, kWidth}}, {grad.data() + kPixels, {kHeight, kWidth}}};
    for (std::int64_t i = 0; i < kPixels; ++i) {
      pixel.write({map(expected, 0), map(expected, 1)}, i);
      pixel.write_vjp(upstream, {expected_grad.data(), {kNum, kHeight, kWidth}}, i);
    }
    mvs::soft_argmin(s, {map(maps, 0), map(maps, 1)}, 2);
    mvs::soft_argmin_vjp(s, upstream, {grads.data(), {kNum, kHeight, kWidth}}, 2);
    CHECK(same_bits(maps, expected));
    CHECK(same_bits(grads, expected_grad));
  }
}

}  // namespace
}  // namespace fastcv
