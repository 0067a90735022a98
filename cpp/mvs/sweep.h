// SPDX-License-Identifier: Apache-2.0
// What one plane sweep reads: plain data, passed by value, valid in a CUDA kernel.
#pragma once

#include "core/view.h"

namespace fastcv::mvs {

constexpr int kMaxSide = 32766;  // of an image: positions are computed in halves of a word

// An image prepared by pack_image: (height + 1) x (width + 1) pixels of one word, or two for colour, laid out for
// bilinear interpolation (see pack_image.hd.h).
struct PackedImage {
  const std::int32_t* words;
  std::int32_t height, width;
  bool masked;  // some bytes are kMaskedByte
  std::int32_t words_per_pixel = 1;
};
constexpr std::int32_t kMaskedByte = -128;  // a pixel that is not to be used; in a masked image black is -127

// A source view and how the reference sees it: (u, v, 1) ~ rotation (x, y, 1) + translation / depth, where (x, y) and
// (u, v) count from the centre of the first pixel. rotation = K_source R K_reference^-1, row-major; translation =
// K_source t. Source: Hartley & Zisserman 2004, eq. 13.2, for a plane at constant depth.
struct SweepSource {
  PackedImage image;
  float rotation[9], translation[3];
  float weight;  // in the mean over sources
};

// Where the surfaces of a sweep lie: planes a x + b y + c over the reference's pixels. They are inverse depths, or
// where there are bounds they say how far a pixel's inverse depth is from its first bound to its second one.
struct Hypotheses {
  const float* planes;  // (num, 3), on the device that runs the sweep
  const float* bounds;  // (2, height, width) or null, same device
  std::int64_t num;
};

constexpr int kMaxSources = 32;
constexpr int kMaxWindow = 31;  // sums of a window's samples and its out-of-view count share 32 bits

enum class MatchCost { ncc = 0, sad = 1, census = 2, gradient = 3 };

struct Sweep {
  MatchCost cost;
  std::int32_t channels;    // 1, or 3 for SAD on colour
  std::int32_t window;      // odd, at most kMaxWindow
  std::int32_t num_best;    // a pixel's cost is the mean over its num_best cheapest sources
  std::int32_t truncation;  // of one pixel's absolute difference, in units of 2^-kSadBits grey levels (warp.hd.h)
  bool weighted;            // some source's weight is not 1
  std::int32_t num_sources;
  PackedImage reference;
  SweepSource sources[kMaxSources];
  Hypotheses hypotheses;
};

}  // namespace fastcv::mvs
