// SPDX-License-Identifier: Apache-2.0
// What the coarse space of the reduced system consists of: the modes of a cluster, shared by CPU and GPU.
#pragma once

#include <cmath>

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA::ba {

constexpr int kModes = 7;  // of the poses of a cluster: three turns, three shifts, a growth

// Row r of (6, 7): how the pose (w, v) of a frame follows turns about `middle`, x -> x + a x (x - middle), shifts and
// growth of the world, which move the frame's centre alike and turn it by w = -R a.
FASTCV_HD void move_with_world(const double* pose, const double* center, const double* middle, int r, double* row) {
  for (int m = 0; m < kModes; ++m) row[m] = 0;
  if (r < 3) {
    for (int c = 0; c < 3; ++c) row[c] = -pose[4 * r + c];
    return;
  }
  const int i = r - 3, next = (i + 1) % 3, last = (i + 2) % 3;
  row[next] = center[last] - middle[last];  // a x d
  row[last] = middle[next] - center[next];
  row[3 + i] = 1;
  row[6] = center[i] - middle[i];
}

// From the Gram matrix G of n modes, its lower triangle, in place: L with L G Lᵀ = 1, row m of which says how mode m
// follows from itself and earlier ones. Modes that earlier ones imply, such as the growth of a single frame, become 0.
FASTCV_HD void orthonormalize(double* gram, int n) {
  constexpr double kIndependent = 1e-10;  // of a mode's square, what must be left of it
  for (int j = 0; j < n; ++j) {           // G = R Rᵀ
    double* row = gram + j * n;
    double rest = row[j];
    for (int k = 0; k < j; ++k) {
      for (int i = 0; i < k; ++i) row[k] -= row[i] * gram[k * n + i];
      row[k] = gram[k * n + k] > 0 ? row[k] / gram[k * n + k] : 0;
      rest -= row[k] * row[k];
    }
    row[j] = rest > kIndependent * row[j] ? sqrt(rest) : 0;
  }
  for (int j = 0; j < n; ++j) {  // R⁻¹
    double& pivot = gram[j * n + j];
    pivot = pivot > 0 ? 1 / pivot : 0;
    for (int i = j + 1; i < n; ++i) {
      double sum = 0;
      for (int k = j; k < i; ++k) sum += gram[i * n + k] * gram[k * n + j];
      gram[i * n + j] = gram[i * n + i] > 0 ? -sum / gram[i * n + i] : 0;
    }
  }
}

// A row of modes, in place.
FASTCV_HD void combine_modes(const double* lower, int n, double* row) {
  for (int m = n - 1; m >= 0; --m) {
    double sum = 0;
    for (int k = 0; k <= m; ++k) sum += lower[m * n + k] * row[k];
    row[m] = sum;
  }
}

}  // namespace fastcv::FASTCV_ISA::ba
