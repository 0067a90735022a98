// SPDX-License-Identifier: Apache-2.0
// fastcv._core.camera
#include "bindings/arrays.h"
#include "camera/project.h"
#include "camera/rotation.h"
#include "camera/undistort_image.h"
#include "camera/unproject.h"

namespace fastcv::bindings {
namespace {

using Model = int;
using Params = HostVector<double>;

template <class T>
void bind_projection(nb::module_& m) {
  m.def(
      "project",
      [](Model model_id, Params params, RowsArg<const T, 3> points, RowsArg<T, 2> out, int num_threads) {
        const nb::gil_scoped_release release;
        camera::project<T>(model_id, params.data(), rows<3>(points), rows<2>(out), num_threads);
      },
      nb::arg("model_id"), array("params"), array("points"), array("out"), nb::arg("num_threads"));
  m.def(
      "project_jacobian",
      [](Model model_id, Params params, RowsArg<const T, 3> points, RowsArg<T, 2> pixels, ViewArg<T, 3> d_points,
         ViewArg<T, 3> d_params, int num_threads) {
        const nb::gil_scoped_release release;
        camera::project_jacobian<T>(model_id, params.data(), rows<3>(points), rows<2>(pixels), d_points.data(),
                                    d_params.data(), num_threads);
      },
      nb::arg("model_id"), array("params"), array("points"), array("pixels"), array("d_points"), array("d_params"),
      nb::arg("num_threads"));
  m.def(
      "project_vjp",
      [](Model model_id, Params params, RowsArg<const T, 3> points, RowsArg<const T, 2> grad_pixels,
         RowsArg<T, 3> grad_points, ViewArg<double, 1> grad_params, int num_threads) {
        const nb::gil_scoped_release release;
        camera::project_vjp<T>(model_id, params.data(), rows<3>(points), rows<2>(grad_pixels), rows<3>(grad_points),
                               view<1>(grad_params), num_threads);
      },
      nb::arg("model_id"), array("params"), array("points"), array("grad_pixels"), array("grad_points"),
      array("grad_params"), nb::arg("num_threads"));
  m.def(
      "unproject",
      [](Model model_id, Params params, RowsArg<const T, 2> pixels, RowsArg<T, 3> out, int num_threads) {
        const nb::gil_scoped_release release;
        camera::unproject<T>(model_id, params.data(), rows<2>(pixels), rows<3>(out), num_threads);
      },
      nb::arg("model_id"), array("params"), array("pixels"), array("out"), nb::arg("num_threads"));
  m.def(
      "unproject_vjp",
      [](Model model_id, Params params, RowsArg<const T, 3> rays, RowsArg<const T, 3> grad_rays,
         RowsArg<T, 2> grad_pixels, ViewArg<double, 1> grad_params, int num_threads) {
        const nb::gil_scoped_release release;
        camera::unproject_vjp<T>(model_id, params.data(), rows<3>(rays), rows<3>(grad_rays), rows<2>(grad_pixels),
                                 view<1>(grad_params), num_threads);
      },
      nb::arg("model_id"), array("params"), array("rays"), array("grad_rays"), array("grad_pixels"),
      array("grad_params"), nb::arg("num_threads"));
}

template <class V>
void bind_images(nb::module_& m) {
  m.def(
      "undistort_image",
      [](Model model_id, Params params, HostNumbers<double, 9> ray_from_pixel, ViewArg<const V, 3> image,
         ViewArg<V, 3> out, int num_threads) {
        const nb::gil_scoped_release release;
        camera::undistort_image<V>(model_id, params.data(), ray_from_pixel.data(), view<3>(image), view<3>(out),
                                   num_threads);
      },
      nb::arg("model_id"), array("params"), array("ray_from_pixel"), array("image"), array("out"),
      nb::arg("num_threads"));
}

template <class T>
void bind_rotations(nb::module_& m) {
  m.def(
      "rotation_from_angle_axis",
      [](RowsArg<const T, 3> angle_axis, MatricesArg<T> out, int num_threads) {
        const nb::gil_scoped_release release;
        camera::rotation_from_angle_axis<T>(rows<3>(angle_axis), matrices<T>(out), num_threads);
      },
      array("angle_axis"), array("out"), nb::arg("num_threads"));
  m.def(
      "rotation_from_angle_axis_vjp",
      [](RowsArg<const T, 3> angle_axis, MatricesArg<const T> grad_rotations, RowsArg<T, 3> out, int num_threads) {
        const nb::gil_scoped_release release;
        camera::rotation_from_angle_axis_vjp<T>(rows<3>(angle_axis), matrices<const T>(grad_rotations), rows<3>(out),
                                                num_threads);
      },
      array("angle_axis"), array("grad_rotations"), array("out"), nb::arg("num_threads"));
  m.def(
      "angle_axis_from_rotation",
      [](MatricesArg<const T> rotations, RowsArg<T, 3> out, int num_threads) {
        const nb::gil_scoped_release release;
        camera::angle_axis_from_rotation<T>(matrices<const T>(rotations), rows<3>(out), num_threads);
      },
      array("rotations"), array("out"), nb::arg("num_threads"));
  m.def(
      "angle_axis_from_rotation_vjp",
      [](MatricesArg<const T> rotations, RowsArg<const T, 3> grad_angle_axis, MatricesArg<T> out, int num_threads) {
        const nb::gil_scoped_release release;
        camera::angle_axis_from_rotation_vjp<T>(matrices<const T>(rotations), rows<3>(grad_angle_axis),
                                                matrices<T>(out), num_threads);
      },
      array("rotations"), array("grad_angle_axis"), array("out"), nb::arg("num_threads"));
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
