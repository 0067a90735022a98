// SPDX-License-Identifier: Apache-2.0
// Noise, small regions and holes of a disparity map, one thread a pixel or a row.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/disparity.h"
#include "cuda/mvs/stream_buffer.h"
#include "mvs/clean_disparity.hd.h"
#include "mvs/median_disparity.hd.h"

namespace fastcv::cuda::mvs {
namespace {

struct Begin {
  gpu::Regions regions;
  FASTCV_HD void operator()(std::int64_t i) const { regions.begin(i); }
};
struct Join {
  gpu::Regions regions;
  FASTCV_HD void operator()(std::int64_t i) const { regions.join(i); }
};
struct Count {
  gpu::Regions regions;
  FASTCV_HD void operator()(std::int64_t i) const { gpu::add_shared(regions.size + regions.root(i), 1); }
};
struct Remove {
  gpu::Regions regions;
  std::int64_t min_pixels;
  FASTCV_HD void operator()(std::int64_t i) const { regions.remove(i, min_pixels); }
};

}  // namespace

void remove_speckles(const DisparityMap& map, std::int64_t min_pixels, float max_step, cudaStream_t stream) {
  const std::int64_t pixels = map.disparity.size();
  if (pixels == 0) return;
  const StreamBuffer<std::int32_t> parent(pixels, stream), size(pixels, stream);
  const gpu::Regions regions{map, parent.get(), size.get(), max_step};
  for_each(pixels, Begin{regions}, stream);
  for_each(pixels, Join{regions}, stream);
  for_each(pixels, Count{regions}, stream);
  for_each(pixels, Remove{regions, min_pixels}, stream);
}

void median_disparity(View<const float, 2> disparity, View<float, 2> out, cudaStream_t stream) {
  for_each(out.size(), gpu::MedianPixel{disparity, out}, stream);
}

void fill_disparity(View<const float, 2> disparity, View<float, 2> out, cudaStream_t stream) {
  for_each(out.shape[0], gpu::FillRow{disparity, out}, stream);
}

}  // namespace fastcv::cuda::mvs
