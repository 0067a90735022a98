// SPDX-License-Identifier: Apache-2.0
// Rays one after the other, compiled once per instruction set.
#include "voxels/raycast.hd.h"
// The declarations come after what they mention.
#include "voxels/raycast.leaf.h"

namespace fastcv::FASTCV_ISA::voxels {

using namespace fastcv::voxels;

void raycast(const Surface& surface, const RayView& view, const RenderBuffers& out, std::int64_t begin,
             std::int64_t end) {
  const RenderPixel render(surface, view, out);
  for (std::int64_t pixel = begin; pixel < end; ++pixel) render(pixel);
}

}  // namespace fastcv::FASTCV_ISA::voxels
