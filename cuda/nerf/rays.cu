// SPDX-License-Identifier: Apache-2.0
// Rays, one thread each. Cameras of several models take a launch for each model, in which the others' rays idle.
#include <set>

#include "camera/models.hd.h"
#include "camera/require.h"
#include "cuda/core/launch.cuh"
#include "cuda/nerf/rays.h"
#include "nerf/rays.hd.h"

namespace fastcv::cuda::nerf {
namespace {

using fastcv::nerf::kCameraRow;

template <class Model, class P>
struct RayOne {
  gpu::Params<Model, double> params;  // of the only camera
  const double* table;                // or rows of several
  const double* poses;
  std::int64_t num_poses;
  RayPixels<P> pixels;
  float *origins, *directions;

  __device__ void operator()(std::int64_t i) const {
    const std::int64_t image = pixels.images == nullptr ? 0 : pixels.images[i];
    float *origin = origins + 3 * i, *direction = directions + 3 * i;
    if (image < 0 || image >= num_poses) {
      gpu::no_ray(origin);
      gpu::no_ray(direction);
      return;
    }
    const double* row = table + image * kCameraRow;
    if (table != nullptr && static_cast<int>(row[0]) != Model::kId) return;
    const double *k = table == nullptr ? params.values : row + 1, *pose = poses + 12 * image;
    gpu::Vec3<double> ray;
    Model::unproject(k, gpu::Vec2<double>{double(pixels.pixels[2 * i]), double(pixels.pixels[2 * i + 1])}, &ray);
    const double in_camera[3] = {ray.x, ray.y, ray.z};
    for (int axis = 0; axis < 3; ++axis) origin[axis] = static_cast<float>(gpu::ray_origin(pose, axis));
    gpu::ray_direction(pose, in_camera, direction);
  }
};

}  // namespace

template <class P>
void rays(const RayCameras& cameras, const double* poses, std::int64_t num_poses, const RayPixels<P>& pixels,
          float* origins, float* directions, cudaStream_t stream) {
  std::set<int> model_ids;
  for (std::int64_t c = 0; c < cameras.count; ++c) model_ids.insert(static_cast<int>(cameras.host[c * kCameraRow]));
  const double* table = cameras.count == 1 ? nullptr : cameras.device;
  for (const int model_id : model_ids) {
    const bool known = gpu::with_model(model_id, [&](auto model) {
      using Model = decltype(model);
      const gpu::Params<Model, double> params(cameras.host + 1);
      for_each(pixels.rows, RayOne<Model, P>{params, table, poses, num_poses, pixels, origins, directions}, stream);
    });
    fastcv::camera::require_model(known, model_id);
  }
}

template <class Shape>
void clip_rays(const Shape& shape, const RayRange& range, const float* origins, const float* directions,
               std::int64_t rows, float* near, float* far, cudaStream_t stream) {
  const gpu::ClipRay<Shape> clip{shape, range, origins, directions, near, far};
  for_each(rows, gpu::RunOne<gpu::ClipRay<Shape>>{clip}, stream);
}

void sample_pixels(const PixelTable& table, std::uint64_t seed, std::uint64_t step, std::int64_t rows,
                   std::int64_t* images, float* pixels, cudaStream_t stream) {
  for_each(rows, gpu::SamplePixelOne{table, seed, step, images, pixels}, stream);
}

template void rays(const RayCameras&, const double*, std::int64_t, const RayPixels<float>&, float*, float*,
                   cudaStream_t);
template void rays(const RayCameras&, const double*, std::int64_t, const RayPixels<double>&, float*, float*,
                   cudaStream_t);
template void clip_rays(const fastcv::nerf::RayBox&, const RayRange&, const float*, const float*, std::int64_t, float*,
                        float*, cudaStream_t);
template void clip_rays(const fastcv::nerf::RaySphere&, const RayRange&, const float*, const float*, std::int64_t,
                        float*, float*, cudaStream_t);

}  // namespace fastcv::cuda::nerf
