// SPDX-License-Identifier: Apache-2.0
// The 3 x 3 blocks of points, symmetric, as the six numbers of the upper triangle by rows.
#pragma once

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA::ba {

// V + lambda diag(V), inverted; zero where that is not positive definite.
FASTCV_HD void invert_damped(const double* v, double lambda, double* inverse) {
  constexpr double kFloor = 1e-6;  // damping of a coordinate that no observation determines
  const auto damped = [lambda](double d) { return d + lambda * (d > kFloor ? d : kFloor); };
  const double a = damped(v[0]), b = v[1], c = v[2], d = damped(v[3]), e = v[4], f = damped(v[5]);
  const double first = d * f - e * e, second = c * e - b * f, third = b * e - c * d;
  const double determinant = a * first + b * second + c * third;
  const double scale = determinant > 0 ? 1 / determinant : 0;
  inverse[0] = scale * first;
  inverse[1] = scale * second;
  inverse[2] = scale * third;
  inverse[3] = scale * (a * f - c * c);
  inverse[4] = scale * (b * c - a * e);
  inverse[5] = scale * (a * d - b * b);
}

FASTCV_HD void multiply_symmetric(const double* block, const double* x, double* out) {
  out[0] = block[0] * x[0] + block[1] * x[1] + block[2] * x[2];
  out[1] = block[1] * x[0] + block[3] * x[1] + block[4] * x[2];
  out[2] = block[2] * x[0] + block[4] * x[1] + block[5] * x[2];
}

}  // namespace fastcv::FASTCV_ISA::ba
