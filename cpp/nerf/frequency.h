// SPDX-License-Identifier: Apache-2.0
// The frequency encoding: sines and cosines of coordinates at octaves, and their derivatives. Source: Mildenhall et al.
// 2020, "NeRF: representing scenes as neural radiance fields for view synthesis", eq. 4.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace fastcv::nerf {

inline constexpr int kMaxFrequencies = 32;

// A row of features: the coordinates themselves where `include_input`, then for each coordinate x and each octave k in
// turn weights[k] sin(2^k pi x) and weights[k] cos(2^k pi x).
struct FrequencyBands {
  int dims, count;
  bool include_input;
  double weights[kMaxFrequencies];

  FASTCV_HD std::int64_t width() const { return std::int64_t(dims) * (2 * count + include_input); }
  // Of a coordinate's waves, where coordinates are counted through all rows.
  FASTCV_HD std::int64_t waves_at(std::int64_t coordinate) const {
    const std::int64_t row = coordinate / dims;
    return row * width() + (include_input ? dims : 0) + (coordinate - row * dims) * 2 * count;
  }
  FASTCV_HD std::int64_t input_at(std::int64_t coordinate) const {
    const std::int64_t row = coordinate / dims;
    return row * width() + (coordinate - row * dims);
  }
};

// (rows, dims) points and, where what is asked for is the derivative along them, tangents. P is float or double.
// out: (rows, width). num_threads 0 means the default.
template <class P>
void frequency_encoding(const FrequencyBands& bands, const P* points, const P* tangents, std::int64_t rows, P* out,
                        int num_threads);

// The gradient by the points from that by the features.
template <class P>
void frequency_encoding_vjp(const FrequencyBands& bands, const P* points, const P* tangents, std::int64_t rows,
                            const P* grad, P* out, int num_threads);

}  // namespace fastcv::nerf
