// SPDX-License-Identifier: Apache-2.0
// What a GPU computes of a ray and of a parameter, on the CPU.
#include "nerf/render_ray.hd.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "nerf/adam.hd.h"
#include "nerf/render.h"

namespace {

using namespace fastcv;
using namespace fastcv::nerf;

struct Rays {
  std::vector<float> densities, starts, ends, colors, backgrounds, grad;
  std::vector<std::int64_t> offsets{0};

  Rays() {
    std::uint32_t state = 1;
    const auto next = [&] { return static_cast<float>((state = state * 1664525U + 1013904223U) >> 8) * 0x1p-24F; };
    for (int ray = 0; ray < 40; ++ray) {
      float t = 0.3F;
      for (int i = 0; i < ray; ++i) {
        densities.push_back(next() < 0.3F ? 0.0F : 20 * next());
        starts.push_back(t);
        ends.push_back(t += 0.1F * next());
        for (int c = 0; c < 3; ++c) colors.push_back(next());
      }
      offsets.push_back(static_cast<std::int64_t>(densities.size()));
      for (int c = 0; c < 3; ++c) backgrounds.push_back(next()), grad.push_back(next() - 0.5F);
    }
  }
  RenderSamples<float> samples(float early_stop) const {
    return {
        densities.data(), starts.data(), ends.data(), colors.data(), backgrounds.data(), offsets.data(), 40, size(), 3,
        early_stop};
  }
  std::int64_t size() const { return offsets.back(); }
};

struct Results {
  std::vector<float> colors = std::vector<float>(120), depths = std::vector<float>(40), opacities = depths;
  std::vector<float> weights, by_densities, by_starts, by_ends, by_colors, by_backgrounds = colors;

  explicit Results(std::int64_t size)
      : weights(size), by_densities(size), by_starts(size), by_ends(size), by_colors(3 * size) {}
  RenderedRays<float> out() { return {colors.data(), depths.data(), opacities.data(), weights.data()}; }
  RenderedRays<const float> rendered() const { return {nullptr, depths.data(), opacities.data(), weights.data()}; }
  SampleGrads<float> grads() {
    return {by_densities.data(), by_starts.data(), by_ends.data(), by_colors.data(), by_backgrounds.data()};
  }
};

void check_close(const std::vector<float>& a, const std::vector<float>& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::fmax(worst, std::fabs(double(a[i]) - double(b[i])));
  CHECK(worst <= tolerance);
}

}  // namespace

TEST_CASE("rendering sample after sample is rendering in blocks") {
  const Rays rays;
  for (const float early_stop : {0.0F, 0.25F}) {
    const RenderSamples<float> samples = rays.samples(early_stop);
    Results ours(rays.size()), theirs(rays.size());
    render(samples, ours.out(), 1);
    const RenderedGrads<float> grads{rays.grad.data(), rays.grad.data(), nullptr, nullptr};
    render_vjp(samples, ours.rendered(), grads, ours.grads(), 1);
    const generic::RenderRay<float> one{samples, theirs.out()};
    for (int ray = 0; ray < 40; ++ray) one(ray);
    const generic::RenderRayVjp<float> vjp{samples, theirs.rendered(), grads, theirs.grads()};
    for (int ray = 0; ray < 40; ++ray) vjp(ray);
    check_close(ours.weights, theirs.weights, 4e-7);  // orders of sums differ
    check_close(ours.colors, theirs.colors, 1e-6);
    check_close(ours.depths, theirs.depths, 4e-6);
    check_close(ours.by_densities, theirs.by_densities, 1e-6);
    check_close(ours.by_starts, theirs.by_starts, 4e-5);  // times densities of 20
    check_close(ours.by_ends, theirs.by_ends, 4e-5);
    check_close(ours.by_colors, theirs.by_colors, 4e-7);
    check_close(ours.by_backgrounds, theirs.by_backgrounds, 4e-7);
  }
}

TEST_CASE("a row of Adam is a vector of it") {
  std::vector<float> x(48, 1.0F), m(48, 0.5F), v(48, 0.25F), g(48);
  for (int i = 0; i < 48; ++i) g[i] = i < 24 && i % 8 < 2 ? 0.1F * static_cast<float>(i) : 0.0F;
  std::vector<float> x1 = x, m1 = m, v1 = v, g1 = g, x2 = x, m2 = m, v2 = v, g2 = g;
  float step1 = 3, step2 = 3;
  const auto step = [](auto& a, auto& b, auto& c, auto& d, float& count) {
    return AdamStep{
        a.data(), b.data(), c.data(), d.data(), Storage::float32, nullptr, Storage::float32, 6,     8, true, true, 0.01,
        0.9,      0.99,     1e-8,     0.1,      nullptr,          nullptr, nullptr,          &count};
  };
  adam_step(step(x1, m1, v1, g1, step1), 1);
  const AdamStep adam = step(x2, m2, v2, g2, step2);
  generic::count_step(adam);
  const generic::AdamRates rates = generic::rates_of(adam);
  for (int row = 0; row < 6; ++row) generic::AdamElement{adam}.row(rates, 8 * row, 8 * row + 8);
  CHECK(x1 == x2);
  CHECK(m1 == m2);
  CHECK(v1 == v2);
  CHECK(g1 == g2);
  CHECK(step1 == step2);
  CHECK(x1[24] == 1.0F);
  CHECK(x1[16] != 1.0F);
}
