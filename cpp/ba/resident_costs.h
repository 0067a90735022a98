// SPDX-License-Identifier: Apache-2.0
// What the parts of the resident solver cost on a GPU, in seconds, to choose between them. By arithmetic from the
// figures of one NVIDIA H100 (copies at 3 TB/s, 34 TFLOP/s in double precision); unverified on a device.
#pragma once

#include <cmath>

#include "ba/equations.h"

namespace fastcv::ba {

constexpr double kBandwidth = 3e12;  // bytes a second
constexpr double kLaunch = 4e-6;     // of a kernel that has little to do
// A multiplication with addition of UpdateTiles takes 10 bytes from shared memory, which gives 128 a clock and
// multiprocessor: a fifth of the peak, and the tiles' way there.
constexpr double kFlops = 5e12;
// A column of tiles: two kernels of 33 barriers, a division between each and the next (0.3 us), and a third one.
constexpr double kTileColumn = 2 * 33 * 0.3e-6 + 2 * kLaunch;

// A conjugate gradient: 14 kernels. It reads the Jacobian twice, writes and reads three numbers an observation, reads
// its indices and its point's step.
inline double gradient_seconds(const Equations& e) {
  const double bytes =
      (16.0 * e.columns + 88) * static_cast<double>(e.num_observations) + 72 * static_cast<double>(e.num_points);
  return 14 * kLaunch + bytes / kBandwidth;
}

// Blocks of a system, from pairs of couplings (columns, 3) and the indices of each.
inline double pair_bytes(double columns) { return 48 * columns + 16; }

// A system of n unknowns written out by pairs of observations, with `slots` for the columns of all images.
inline double write_seconds(const Equations& e, double num_pairs, double n, double slots) {
  const double bytes = 32.0 * e.columns * static_cast<double>(e.num_observations) + pair_bytes(e.columns) * num_pairs +
                       16 * n * (2 * slots + n);
  return 8 * kLaunch + bytes / kBandwidth;
}

inline double factor_seconds(double n) { return std::ceil(n / 32) * kTileColumn + n * n * n / 3 / kFlops; }
inline double inverse_seconds(double n) { return std::ceil(n / 32) * kTileColumn + n * n * n * 2 / 3 / kFlops; }

}  // namespace fastcv::ba
