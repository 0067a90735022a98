// SPDX-License-Identifier: Apache-2.0
// Rays of pixels on a CPU: blocks of them, sorted by camera for the loops that invert its distortion.
#include "nerf/rays.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "camera/unproject.h"
#include "core/parallel.h"
#include "nerf/rays.hd.h"

namespace fastcv::nerf {
namespace {

constexpr std::int64_t kGrain = 1 << 14;  // of what takes 5 to 20 ns
constexpr std::int64_t kNone = -1;        // no such image

// Pixels at a time. Of several cameras so many that some hundred of them fill lanes.
std::int64_t block_size(const RayCameras& cameras) { return cameras.count == 1 ? 1024 : 4096; }

std::unique_ptr<double[]> numbers(std::int64_t count) {
  return std::unique_ptr<double[]>(new double[static_cast<std::size_t>(count)]);  // not initialised
}

// The rays of a block of pixels in the frames of their cameras.
class CameraRays {
 public:
  explicit CameraRays(const RayCameras& cameras, std::int64_t most)
      : cameras_(cameras), pixels_(numbers(2 * most)), rays_(numbers(3 * most)) {
    if (cameras.count == 1) return;
    starts_.resize(static_cast<std::size_t>(cameras.count + 1));
    order_.resize(static_cast<std::size_t>(most));
    sorted_ = numbers(3 * most);
  }

  // images: of the block's pixels, kNone for those without one.
  template <class P>
  const double* of(const P* pixels, const std::int64_t* images, std::int64_t count) {
    if (cameras_.count == 1) {
      std::copy_n(pixels, 2 * count, pixels_.get());
      unproject(0, 0, count, rays_.get());
      return rays_.get();
    }
    sort(images, count);
    for (std::int64_t k = 0; k < count; ++k) std::copy_n(pixels + 2 * order_[k], 2, pixels_.get() + 2 * k);
    for (std::int64_t c = 0; c < cameras_.count; ++c) unproject(c, starts_[c], starts_[c + 1], sorted_.get());
    for (std::int64_t k = 0; k < starts_.back(); ++k) std::copy_n(&sorted_[3 * k], 3, &rays_[3 * order_[k]]);
    return rays_.get();
  }

 private:
  // Numbers of the block's pixels, camera after camera; those without one come last.
  void sort(const std::int64_t* images, std::int64_t count) {
    std::fill(starts_.begin(), starts_.end(), 0);
    for (std::int64_t i = 0; i < count; ++i) {
      if (images[i] != kNone) ++starts_[images[i] + 1];
    }
    for (std::int64_t c = 0; c < cameras_.count; ++c) starts_[c + 1] += starts_[c];
    next_.assign(starts_.begin(), starts_.end());
    for (std::int64_t i = 0; i < count; ++i) order_[next_[images[i] == kNone ? cameras_.count : images[i]]++] = i;
  }

  void unproject(std::int64_t camera, std::int64_t begin, std::int64_t end, double* to) {
    if (begin == end) return;
    const double* row = cameras_.host + camera * kCameraRow;
    const Rows<const double, 2> from{pixels_.get() + 2 * begin, end - begin};
    camera::unproject<double>(static_cast<int>(row[0]), row + 1, from, {to + 3 * begin, end - begin}, 1);
  }

  const RayCameras cameras_;
  std::vector<std::int64_t> starts_, next_, order_;
  std::unique_ptr<double[]> pixels_, rays_, sorted_;
};

}  // namespace

template <class P>
void rays(const RayCameras& cameras, const double* poses, std::int64_t num_poses, const RayPixels<P>& pixels,
          float* origins, float* directions, int num_threads) {
  std::vector<float> centers(static_cast<std::size_t>(3 * num_poses));
  for (std::int64_t k = 0; k < 3 * num_poses; ++k) {
    centers[k] = static_cast<float>(generic::ray_origin(poses + 12 * (k / 3), static_cast<int>(k % 3)));
  }
  parallel_for(pixels.rows, block_size(cameras), num_threads, [&](std::int64_t begin, std::int64_t end) {
    CameraRays in_camera(cameras, end - begin);
    std::vector<std::int64_t> images(static_cast<std::size_t>(end - begin));
    for (std::int64_t i = begin; i < end && pixels.images != nullptr; ++i) {
      const std::int64_t image = pixels.images[i];
      images[i - begin] = image >= 0 && image < num_poses ? image : kNone;
    }
    const double* found = in_camera.of(pixels.pixels + 2 * begin, images.data(), end - begin);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t image = images[i - begin];
      float *origin = origins + 3 * i, *direction = directions + 3 * i;
      if (image == kNone) {
        generic::no_ray(origin);
        generic::no_ray(direction);
        continue;
      }
      std::copy_n(&centers[3 * image], 3, origin);
      generic::ray_direction(poses + 12 * image, found + 3 * (i - begin), direction);
    }
  });
}

template <class Shape>
void clip_rays(const Shape& shape, const RayRange& range, const float* origins, const float* directions,
               std::int64_t rows, float* near, float* far, int num_threads) {
  parallel_for(rows, kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t at = 3 * begin;
    const generic::ClipRay<Shape> clip{shape, range, origins + at, directions + at, near + begin, far + begin};
    generic::run_in_lanes(clip, end - begin, nullptr);
  });
}

void sample_pixels(const PixelTable& table, std::uint64_t seed, std::uint64_t step, std::int64_t rows,
                   std::int64_t* images, float* pixels, int num_threads) {
  const generic::SamplePixelOne one{table, seed, step, images, pixels};
  parallel_for(rows, kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) one(i);
  });
}

template void rays(const RayCameras&, const double*, std::int64_t, const RayPixels<float>&, float*, float*, int);
template void rays(const RayCameras&, const double*, std::int64_t, const RayPixels<double>&, float*, float*, int);
template void clip_rays(const RayBox&, const RayRange&, const float*, const float*, std::int64_t, float*, float*, int);
template void clip_rays(const RaySphere&, const RayRange&, const float*, const float*, std::int64_t, float*, float*,
                        int);

}  // namespace fastcv::nerf
