// SPDX-License-Identifier: Apache-2.0
// The contraction of one point. W is double for values, Dual for their derivatives along a tangent.
#pragma once

#include <cmath>

#include "core/dual.hd.h"
#include "nerf/contraction.h"

namespace fastcv::FASTCV_ISA {

// x becomes scale(m) x with m its norm: in the ball scale is 1; beyond, (2 - 1/m) / m, and 1 / (m (2 - m)) back.
// Points at 2 and beyond come from infinity.
template <class W>
struct ContractedPoint {
  W x[3], norm{0.0}, scale{1.0};
  W by_norm{0.0};  // derivative of the scale
  int largest = 0;
  nerf::Contraction contraction;

  FASTCV_HD ContractedPoint(const nerf::Contraction& c, const W (&point)[3])
      : x{point[0], point[1], point[2]}, contraction(c) {
    if (c.norm == nerf::ContractionNorm::linf) {
      for (int axis = 1; axis < 3; ++axis) largest = size(x[axis]) > size(x[largest]) ? axis : largest;
      norm = size(x[largest]);
    } else {
      const W squared = x[0] * x[0] + x[1] * x[1] + x[2] * x[2];
      if (!(squared > W(1.0))) return;
      using std::sqrt;
      norm = sqrt(squared);
    }
    if (!(norm > W(1.0))) return;
    if (!c.inverse) {
      const W inverse = W(1.0) / norm;
      scale = (W(2.0) - inverse) * inverse;
      by_norm = W(2.0) * inverse * inverse * (inverse - W(1.0));
    } else if (norm < W(2.0)) {
      scale = W(1.0) / (norm * (W(2.0) - norm));
      by_norm = W(2.0) * (norm - W(1.0)) * scale * scale;
    } else {
      scale = by_norm = W(HUGE_VAL);
    }
  }

  FASTCV_HD W value(int axis) const { return scale * x[axis]; }

  // The Jacobian is scale I + by_norm x (d norm / d x)^T.
  FASTCV_HD void vjp(const W (&grad)[3], W (&out)[3]) const {
    const W along = by_norm * (x[0] * grad[0] + x[1] * grad[1] + x[2] * grad[2]);
    for (int axis = 0; axis < 3; ++axis) {
      out[axis] = scale * grad[axis];
      if (!(norm > W(1.0))) continue;
      if (contraction.norm == nerf::ContractionNorm::l2) {
        out[axis] = out[axis] + along * x[axis] / norm;
      } else if (axis == largest) {
        out[axis] = x[axis] < W(0.0) ? out[axis] - along : out[axis] + along;
      }
    }
  }

 private:
  FASTCV_HD static W size(const W& a) { return a < W(0.0) ? W(0.0) - a : a; }
};

FASTCV_HD double sought_of(double value) { return value; }
FASTCV_HD double sought_of(const Dual& value) { return value.slope; }
FASTCV_HD void load_number(double& to, double value, double /*slope*/) { to = value; }
FASTCV_HD void load_number(Dual& to, double value, double slope) { to = Dual(value, slope); }

template <class W, class T>
FASTCV_HD ContractedPoint<W> contracted(const nerf::Contraction& contraction, const nerf::ContractionPoints<T>& in,
                                        std::int64_t i) {
  W point[3];
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t at = 3 * i + axis;
    load_number(point[axis], in.points[at], in.tangents == nullptr ? 0.0 : double(in.tangents[at]));
  }
  return {contraction, point};
}

template <class W, class T>
struct ContractOne {
  nerf::Contraction contraction;
  nerf::ContractionPoints<T> in;
  T* out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const auto point = contracted<W>(contraction, in, i);
    for (int axis = 0; axis < 3; ++axis) out[3 * i + axis] = static_cast<T>(sought_of(point.value(axis)));
  }
};

template <class W, class T>
struct ContractVjpOne {
  nerf::Contraction contraction;
  nerf::ContractionPoints<T> in;
  const T* grad;
  T* out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const W by_result[3] = {W(double(grad[3 * i])), W(double(grad[3 * i + 1])), W(double(grad[3 * i + 2]))};
    W by_point[3];
    contracted<W>(contraction, in, i).vjp(by_result, by_point);
    for (int axis = 0; axis < 3; ++axis) out[3 * i + axis] = static_cast<T>(sought_of(by_point[axis]));
  }
};

}  // namespace fastcv::FASTCV_ISA
