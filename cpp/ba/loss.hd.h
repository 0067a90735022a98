// SPDX-License-Identifier: Apache-2.0
// Robust losses rho(s) of the squared residual s, all with rho(s) = s for small s. Source: Zhang 1997, "Parameter
// estimation techniques: a tutorial with application to conic fitting", table 1; Barron 2019 for Geman-McClure's scale.
#pragma once

#include <cmath>

#include "core/host_device.h"

namespace fastcv {
namespace ba {
enum class Loss { none, huber, soft_l1, cauchy, geman_mcclure, tukey };

struct RobustLoss {
  Loss loss;
  double squared_scale;  // the s from which a residual counts as an outlier
};
}  // namespace ba

namespace FASTCV_ISA::ba {

struct RhoDerivatives {
  double rho, first, second;
};

// s2 is the squared scale.
FASTCV_HD RhoDerivatives robust_loss(fastcv::ba::Loss loss, double s2, double s) {
  using fastcv::ba::Loss;
  const double x = s / s2;
  switch (loss) {
    case Loss::huber:
      if (x > 1) {
        const double root = sqrt(x);
        return {s2 * (2 * root - 1), 1 / root, -0.5 / (s2 * root * x)};
      }
      break;
    case Loss::soft_l1: {
      const double root = sqrt(1 + x);
      return {2 * s2 * (root - 1), 1 / root, -0.5 / (s2 * root * (1 + x))};
    }
    case Loss::cauchy:
      return {s2 * log1p(x), 1 / (1 + x), -1 / (s2 * (1 + x) * (1 + x))};
    case Loss::geman_mcclure: {
      const double inverse = 1 / (1 + x);
      return {s * inverse, inverse * inverse, -2 / s2 * inverse * inverse * inverse};
    }
    case Loss::tukey: {
      const double rest = x < 1 ? 1 - x : 0;
      return {s2 / 3 * (1 - rest * rest * rest), rest * rest, -2 / s2 * rest};
    }
    case Loss::none:
      break;
  }
  return {s, 1, 0};
}
FASTCV_HD RhoDerivatives robust_loss(const fastcv::ba::RobustLoss& loss, double s) {
  return robust_loss(loss.loss, loss.squared_scale, s);
}

}  // namespace FASTCV_ISA::ba
}  // namespace fastcv
