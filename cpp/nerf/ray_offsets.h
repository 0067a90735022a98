// SPDX-License-Identifier: Apache-2.0
// What operations on packed samples of rays share on a CPU.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace fastcv::nerf {

// Throws std::invalid_argument unless offsets (rays + 1) rise from 0 to at most `samples`.
inline void check_offsets(const std::int64_t* offsets, std::int64_t rays, std::int64_t samples) {
  bool rising = offsets[0] == 0 && offsets[rays] <= samples;
  for (std::int64_t r = 0; r < rays; ++r) rising &= offsets[r] <= offsets[r + 1];
  if (rising) return;
  throw std::invalid_argument("offsets: expected numbers that rise from 0 to at most " + std::to_string(samples) +
                              ", got others between " + std::to_string(*std::min_element(offsets, offsets + rays + 1)) +
                              " and " + std::to_string(*std::max_element(offsets, offsets + rays + 1)));
}

// Rays that a thread takes at a time: some ten thousand samples.
inline std::int64_t rays_together(std::int64_t rays, std::int64_t samples) {
  constexpr std::int64_t kSamples = 1 << 15;
  return std::max<std::int64_t>(1, kSamples * rays / (samples + rays + 1));
}

}  // namespace fastcv::nerf
