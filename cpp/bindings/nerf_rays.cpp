// SPDX-License-Identifier: Apache-2.0
// fastcv._core.nerf: rays.
#include "bindings/nerf_rays.h"

namespace fastcv::bindings {
namespace {

// The pixels come first: an overload that takes a torch tensor's capsule before it refuses them would leave nothing to
// the next one.
template <class P>
void bind_rays(nb::module_& m) {
  m.def(
      "rays",
      [](RowsArg<const P, 2> pixels, const CameraRows& cameras,
         const std::optional<RowsArg<const double, nerf::kCameraRow>>& on_device, PosesArg<const double> poses,
         const std::optional<ViewArg<const std::int64_t, 1>>& images, RowsArg<float, 3> origins,
         RowsArg<float, 3> directions, int num_threads) {
        const nerf::RayCameras table{cameras.data(), on_device ? on_device->data() : nullptr,
                                     static_cast<std::int64_t>(cameras.shape(0))};
        const auto num_poses = static_cast<std::int64_t>(poses.shape(0));
        const auto at = ray_pixels<P>(pixels, images);
        const nb::gil_scoped_release release;
        nerf::rays(table, poses.data(), num_poses, at, origins.data(), directions.data(), num_threads);
      },
      array("pixels"), array("cameras"), array("on_device").none(), array("poses"), array("images").none(),
      array("origins"), array("directions"), nb::arg("num_threads"));
}

}  // namespace

void bind_nerf_rays(nb::module_& m) {
  bind_rays<float>(m);
  bind_rays<double>(m);
  m.def(
      "clip_box",
      [](const HostNumbers<double, 6>& box, const HostNumbers<double, 2>& range, RowsArg<const float, 3> origins,
         RowsArg<const float, 3> directions, ViewArg<float, 1> near, ViewArg<float, 1> far, int num_threads) {
        const auto shape = ray_box(box);
        const auto rows = static_cast<std::int64_t>(origins.shape(0));
        const auto within = ray_range(range);
        const nb::gil_scoped_release release;
        nerf::clip_rays(shape, within, origins.data(), directions.data(), rows, near.data(), far.data(), num_threads);
      },
      FASTCV_CLIP_ARGS, nb::arg("num_threads"));
  m.def(
      "clip_sphere",
      [](const HostNumbers<double, 4>& sphere, const HostNumbers<double, 2>& range, RowsArg<const float, 3> origins,
         RowsArg<const float, 3> directions, ViewArg<float, 1> near, ViewArg<float, 1> far, int num_threads) {
        const double* s = sphere.data();
        const nerf::RaySphere shape{{s[0], s[1], s[2]}, s[3]};
        const auto rows = static_cast<std::int64_t>(origins.shape(0));
        const auto within = ray_range(range);
        const nb::gil_scoped_release release;
        nerf::clip_rays(shape, within, origins.data(), directions.data(), rows, near.data(), far.data(), num_threads);
      },
      FASTCV_CLIP_ARGS, nb::arg("num_threads"));
  m.def(
      "sample_pixels",
      [](const HostNumbers<std::int64_t, 3>& shape, const std::optional<ViewArg<const std::int64_t, 1>>& cumulative,
         const std::optional<ViewArg<const std::int64_t, 1>>& guide, int shift, std::uint64_t seed, std::uint64_t step,
         ViewArg<std::int64_t, 1> images, RowsArg<float, 2> pixels, int num_threads) {
        const std::int64_t* s = shape.data();
        const nerf::PixelTable table{s[0], s[1], s[2], data_or_null(cumulative), data_or_null(guide), shift};
        const auto rows = static_cast<std::int64_t>(images.shape(0));
        const nb::gil_scoped_release release;
        nerf::sample_pixels(table, seed, step, rows, images.data(), pixels.data(), num_threads);
      },
      array("shape"), array("cumulative").none(), array("guide").none(), nb::arg("shift"), nb::arg("seed"),
      nb::arg("step"), array("images"), array("pixels"), nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
