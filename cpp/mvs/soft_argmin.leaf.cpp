// SPDX-License-Identifier: Apache-2.0
// Soft-argmin over a part of a row, compiled once per instruction set.
#include "mvs/soft_argmin.h"

#include "mvs/soft_argmin.hd.h"
#include "mvs/soft_strip.h"
#include "mvs/tile.h"
// The declarations come after what they mention.
#include "mvs/soft_argmin.leaf.h"

namespace fastcv::FASTCV_ISA::mvs {
namespace {

using fastcv::mvs::kSoftStrip;
using fastcv::mvs::SoftCosts;
using fastcv::mvs::SoftDepth;
using fastcv::mvs::SoftDepthGrad;
using fastcv::mvs::Tile;

// The first `count` lanes from memory, NaN in the others.
Floats load_lanes(const float* from, std::int64_t count) {
  if (count >= kLanes) return load<Floats>(from);
  Floats v = splat(__builtin_nanf(""));
  for (std::int64_t i = 0; i < count; ++i) v[i] = from[i];
  return v;
}
void store_lanes(float* to, std::int64_t count, Floats value) {
  if (count >= kLanes) return store(to, value);
  for (std::int64_t i = 0; i < count; ++i) to[i] = value[i];
}

// Field k of a struct of vectors for every vector of a strip.
template <int Fields>
struct Strip {
  float values[Fields][kSoftStrip];
};

class InverseDepths {
 public:
  InverseDepths(const SoftCosts& s, const Tile& strip) : s_(s), strip_(strip) {}
  Floats operator()(std::int64_t k, std::int64_t x) const {
    const float* plane = s_.hypotheses.planes + 3 * k;
    const Floats column = to_float(lane_indices() + std::int32_t(strip_.x + x));
    if (s_.hypotheses.bounds == nullptr) return inverse_depth_of<Floats>(plane, column, float(strip_.y));
    const float* near = s_.hypotheses.bounds + strip_.y * s_.costs.shape[2] + strip_.x + x;
    const float* far = near + s_.costs.shape[1] * s_.costs.shape[2];
    const std::int64_t count = strip_.width - x;
    return inverse_depth_between<Floats>(plane, column, float(strip_.y), load_lanes(near, count),
                                         load_lanes(far, count));
  }

 private:
  const SoftCosts& s_;
  const Tile& strip_;
};

void add_surfaces(const SoftCosts& s, const Tile& strip, Strip<4>& state) {
  const InverseDepths inverse_depths(s, strip);
  auto& [lowest, weight, mean, spread] = state.values;
  for (std::int64_t x = 0; x < strip.width; x += kLanes) {
    const SoftMean<Floats> none;
    store(lowest + x, none.lowest);
    store(weight + x, none.weight);
    store(mean + x, none.mean);
    store(spread + x, none.spread);
  }
  for (std::int64_t k = 0; k < s.costs.shape[0]; ++k) {
    const float* costs = &s.costs(k, strip.y, strip.x);
    for (std::int64_t x = 0; x < strip.width; x += kLanes) {
      SoftMean<Floats> m{load<Floats>(lowest + x), load<Floats>(weight + x), load<Floats>(mean + x),
                         load<Floats>(spread + x)};
      m.add(load_lanes(costs + x, strip.width - x), inverse_depths(k, x), s.sharpness);
      store(lowest + x, m.lowest);
      store(weight + x, m.weight);
      store(mean + x, m.mean);
      store(spread + x, m.spread);
    }
  }
}

SoftMean<float> mean_of(const Strip<4>& state, std::int64_t x) {
  return {state.values[0][x], state.values[1][x], state.values[2][x], state.values[3][x]};
}

}  // namespace

void soft_argmin(const SoftCosts& s, const Tile& strip, const SoftDepth& out) {
  Strip<4> state;
  add_surfaces(s, strip, state);
  for (std::int64_t x = 0; x < strip.width; ++x) {
    const SoftPixel pixel = finish_soft(mean_of(state, x));
    out.depth(strip.y, strip.x + x) = pixel.depth;
    out.uncertainty(strip.y, strip.x + x) = pixel.uncertainty;
  }
}

void soft_argmin_vjp(const SoftCosts& s, const Tile& strip, const SoftDepthGrad& grad, View<float, 3> out) {
  Strip<4> state;
  Strip<6> grads;
  add_surfaces(s, strip, state);
  for (std::int64_t x = 0; x < strip.width; ++x) {
    const SoftGrad<float> g = soft_grad(mean_of(state, x), grad.depth(strip.y, strip.x + x),
                                        grad.uncertainty(strip.y, strip.x + x), s.sharpness);
    const float fields[6] = {g.lowest, g.inverse_weight, g.mean, g.variance, g.by_mean, g.by_variance};
    for (int k = 0; k < 6; ++k) grads.values[k][x] = fields[k];
  }
  const InverseDepths inverse_depths(s, strip);
  for (std::int64_t k = 0; k < s.costs.shape[0]; ++k) {
    const float* costs = &s.costs(k, strip.y, strip.x);
    for (std::int64_t x = 0; x < strip.width; x += kLanes) {
      const auto f = [&](int i) { return load_lanes(grads.values[i] + x, strip.width - x); };
      const SoftGrad<Floats> g{f(0), f(1), f(2), f(3), f(4), f(5)};
      const std::int64_t count = strip.width - x;
      store_lanes(&out(k, strip.y, strip.x + x), count,
                  g(load_lanes(costs + x, count), inverse_depths(k, x), s.sharpness));
    }
  }
}

}  // namespace fastcv::FASTCV_ISA::mvs
