// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.camera: the names and arguments of fastcv._core.camera, a stream in place of num_threads.
#include "cuda/bindings/arrays.h"
#include "cuda/camera/project.h"
#include "cuda/camera/rotation.h"
#include "cuda/camera/undistort_image.h"
#include "cuda/camera/unproject.h"

namespace fastcv::bindings {
namespace {

using Model = int;
using Params = HostVector<double>;

template <class T>
void bind_projection(nb::module_& m) {
  m.def(
      "project",
      [](Model model_id, Params params, RowsArg<const T, 3> points, RowsArg<T, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(points.device_id());
        const nb::gil_scoped_release release;
        cuda::camera::project<T>(model_id, params.data(), rows<3>(points), rows<2>(out), stream_from(stream));
      },
      nb::arg("model_id"), array("params"), array("points"), array("out"), nb::arg("stream"));
  m.def(
      "project_jacobian",
      [](Model model_id, Params params, RowsArg<const T, 3> points, RowsArg<T, 2> pixels, ViewArg<T, 3> d_points,
         ViewArg<T, 3> d_params, std::intptr_t stream) {
        const cuda::DeviceGuard guard(points.device_id());
        const nb::gil_scoped_release release;
        cuda::camera::project_jacobian<T>(model_id, params.data(), rows<3>(points), rows<2>(pixels), d_points.data(),
                                          d_params.data(), stream_from(stream));
      },
      nb::arg("model_id"), array("params"), array("points"), array("pixels"), array("d_points"), array("d_params"),
      nb::arg("stream"));
  m.def(
      "project_vjp",
      [](Model model_id, Params params, RowsArg<const T, 3> points, RowsArg<const T, 2> grad_pixels,
         RowsArg<T, 3> grad_points, ViewArg<double, 1> grad_params, std::intptr_t stream) {
        const cuda::DeviceGuard guard(points.device_id());
        const nb::gil_scoped_release release;
        cuda::camera::project_vjp<T>(model_id, params.data(), rows<3>(points), rows<2>(grad_pixels),
                                     rows<3>(grad_points), view<1>(grad_params), stream_from(stream));
      },
      nb::arg("model_id"), array("params"), array("points"), array("grad_pixels"), array("grad_points"),
      array("grad_params"), nb::arg("stream"));
  m.def(
      "unproject",
      [](Model model_id, Params params, RowsArg<const T, 2> pixels, RowsArg<T, 3> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(pixels.device_id());
        const nb::gil_scoped_release release;
        cuda::camera::unproject<T>(model_id, params.data(), rows<2>(pixels), rows<3>(out), stream_from(stream));
      },
      nb::arg("model_id"), array("params"), array("pixels"), array("out"), nb::arg("stream"));
  m.def(
      "unproject_vjp",
      [](Model model_id, Params params, RowsArg<const T, 3> rays, RowsArg<const T, 3> grad_rays,
         RowsArg<T, 2> grad_pixels, ViewArg<double, 1> grad_params, std::intptr_t stream) {
        const cuda::DeviceGuard guard(rays.device_id());
        const nb::gil_scoped_release release;
        cuda::camera::unproject_vjp<T>(model_id, params.data(), rows<3>(rays), rows<3>(grad_rays), rows<2>(grad_pixels),
                                       view<1>(grad_params), stream_from(stream));
      },
      nb::arg("model_id"), array("params"), array("rays"), array("grad_rays"), array("grad_pixels"),
      array("grad_params"), nb::arg("stream"));
}

template <class V>
void bind_images(nb::module_& m) {
  m.def(
      "undistort_image",
      [](Model model_id, Params params, HostNumbers<double, 9> ray_from_pixel, ViewArg<const V, 3> image,
         ViewArg<V, 3> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(image.device_id());
        const nb::gil_scoped_release release;
        cuda::camera::undistort_image<V>(model_id, params.data(), ray_from_pixel.data(), view<3>(image), view<3>(out),
                                         stream_from(stream));
      },
      nb::arg("model_id"), array("params"), array("ray_from_pixel"), array("image"), array("out"), nb::arg("stream"));
}

template <class T>
void bind_rotations(nb::module_& m) {
  m.def(
      "rotation_from_angle_axis",
      [](RowsArg<const T, 3> angle_axis, MatricesArg<T> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(angle_axis.device_id());
        const nb::gil_scoped_release release;
        cuda::camera::rotation_from_angle_axis<T>(rows<3>(angle_axis), matrices<T>(out), stream_from(stream));
      },
      array("angle_axis"), array("out"), nb::arg("stream"));
  m.def(
      "rotation_from_angle_axis_vjp",
      [](RowsArg<const T, 3> angle_axis, MatricesArg<const T> grad_rotations, RowsArg<T, 3> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(angle_axis.device_id());
        const nb::gil_scoped_release release;
        cuda::camera::rotation_from_angle_axis_vjp<T>(rows<3>(angle_axis), matrices<const T>(grad_rotations),
                                                      rows<3>(out), stream_from(stream));
      },
      array("angle_axis"), array("grad_rotations"), array("out"), nb::arg("stream"));
  m.def(
      "angle_axis_from_rotation",
      [](MatricesArg<const T> rotations, RowsArg<T, 3> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(rotations.device_id());
        const nb::gil_scoped_release release;
        cuda::camera::angle_axis_from_rotation<T>(matrices<const T>(rotations), rows<3>(out), stream_from(stream));
      },
      array("rotations"), array("out"), nb::arg("stream"));
  m.def(
      "angle_axis_from_rotation_vjp",
      [](MatricesArg<const T> rotations, RowsArg<const T, 3> grad_angle_axis, MatricesArg<T> out,
         std::intptr_t stream) {
        const cuda::DeviceGuard guard(rotations.device_id());
        const nb::gil_scoped_release release;
        cuda::camera::angle_axis_from_rotation_vjp<T>(matrices<const T>(rotations), rows<3>(grad_angle_axis),
                                                      matrices<T>(out), stream_from(stream));
      },
      array("rotations"), array("grad_angle_axis"), array("out"), nb::arg("stream"));
}

}  // namespace

void bind_camera(nb::module_& m) {
  bind_projection<float>(m);
  bind_projection<double>(m);
  bind_images<unsigned char>(m);
  bind_images<float>(m);
  bind_rotations<float>(m);
  bind_rotations<double>(m);
}

}  // namespace fastcv::bindings
