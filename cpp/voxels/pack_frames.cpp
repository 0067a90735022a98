// SPDX-License-Identifier: Apache-2.0
// Packs depth maps, a row of tiles at a time.
#include "core/parallel.h"
#include "voxels/depth_frames.h"
#include "voxels/pack_frame.hd.h"

namespace fastcv::voxels {

template <class T>
void pack_frames(View<const T, 3> depths, float scale, float max_depth, const PixelExtras& extras,
                 const PackedFrames& out, int num_threads) {
  const DepthPyramid pyramid = depth_pyramid(depths.shape[1], depths.shape[2]);
  const generic::PackFrameTile<T> pack{depths, scale, max_depth, extras, out, pyramid};
  const std::int64_t columns = pyramid.columns[0], rows = (depths.shape[1] + kDepthTile - 1) >> kDepthTileBits;
  parallel_for(depths.shape[0] * rows * columns, 4 * columns, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) pack(i);
  });
  for (int level = 1; level < pyramid.levels; ++level) {
    const generic::MergeFrameTiles merge{pyramid, level, out.ranges};
    for (std::int64_t i = 0; i < depths.shape[0] * merge.tiles(level); ++i) merge(i);
  }
}

template void pack_frames(View<const float, 3>, float, float, const PixelExtras&, const PackedFrames&, int);
template void pack_frames(View<const std::uint16_t, 3>, float, float, const PixelExtras&, const PackedFrames&, int);

}  // namespace fastcv::voxels
