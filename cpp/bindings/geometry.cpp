// SPDX-License-Identifier: Apache-2.0
// fastcv._core.geometry
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <tuple>

#include "bindings/arrays.h"
#include "geometry/absolute_pose.h"
#include "geometry/errors.h"
#include "geometry/essential.h"
#include "geometry/estimate.h"
#include "geometry/five_point.h"
#include "geometry/fundamental.h"
#include "geometry/homography.h"
#include "geometry/triangulate.h"

namespace fastcv::bindings {
namespace {

using Points2 = RowsArg<const double, 2>;
using Points3 = RowsArg<const double, 3>;
using Inliers = nb::ndarray<bool, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Model3 = nb::ndarray<double, nb::shape<3, 3>, nb::c_contig, nb::device::cpu>;
using Model34 = nb::ndarray<double, nb::shape<3, 4>, nb::c_contig, nb::device::cpu>;
// score, num_inliers, num_iterations
using Found = std::tuple<double, std::int64_t, std::int64_t>;

template <std::size_t N>
int copy(const std::array<double, N>* models, int count, double* out) {
  for (int k = 0; k < count; ++k) std::copy(models[k].begin(), models[k].end(), out + k * N);
  return count;
}

Found found(const geometry::RansacResult& r) { return {r.consensus.score, r.consensus.num_inliers, r.num_iterations}; }

void bind_solvers(nb::module_& m) {
  m.def(
      "five_point",
      [](Points3 rays1, Points3 rays2, RowsArg<double, 9> out) {
        geometry::Matrix3 models[geometry::kMaxEssentials];
        return copy(models, geometry::five_point(rays1.data(), rays2.data(), models), out.data());
      },
      array("rays1"), array("rays2"), array("out"));
  m.def(
      "seven_point",
      [](Points2 points1, Points2 points2, RowsArg<double, 9> out) {
        geometry::Matrix3 models[geometry::kMaxFundamentals];
        return copy(models, geometry::seven_point(points1.data(), points2.data(), models), out.data());
      },
      array("points1"), array("points2"), array("out"));
  m.def(
      "p3p",
      [](Points3 rays, Points3 points3D, RowsArg<double, 12> out) {
        geometry::Pose poses[geometry::kMaxP3pPoses];
        return copy(poses, geometry::p3p(rays.data(), points3D.data(), poses), out.data());
      },
      array("rays"), array("points3D"), array("out"));
  m.def(
      "eight_point",
      [](Points2 points1, Points2 points2, Model3 out) {
        geometry::Matrix3 model{};
        const nb::gil_scoped_release release;
        const bool unique = geometry::eight_point(rows<2>(points1), rows<2>(points2), &model);
        copy(&model, 1, out.data());
        return unique;
      },
      array("points1"), array("points2"), array("out"));
  m.def(
      "dlt_homography",
      [](Points2 points1, Points2 points2, Model3 out) {
        geometry::Matrix3 model{};
        const nb::gil_scoped_release release;
        const bool unique = geometry::dlt_homography(rows<2>(points1), rows<2>(points2), &model);
        copy(&model, 1, out.data());
        return unique;
      },
      array("points1"), array("points2"), array("out"));
  m.def(
      "dlt_pnp",
      [](Points2 points2D, Points3 points3D, Model34 out) {
        geometry::Pose model{};
        const nb::gil_scoped_release release;
        const bool unique = geometry::dlt_pnp(rows<2>(points2D), rows<3>(points3D), &model);
        copy(&model, 1, out.data());
        return unique;
      },
      array("points2D"), array("points3D"), array("out"));
  m.def(
      "decompose_essential",
      [](nb::ndarray<const double, nb::shape<3, 3>, nb::c_contig, nb::device::cpu> essential, RowsArg<double, 12> out) {
        geometry::Matrix3 model;
        std::copy_n(essential.data(), 9, model.begin());
        geometry::Pose poses[4];
        geometry::decompose_essential(model, poses);
        copy(poses, 4, out.data());
      },
      array("essential"), array("out"));
}

void bind_estimators(nb::module_& m) {
  using Options = geometry::RansacOptions;
  nb::class_<Options>(m, "RansacOptions")
      .def(
          "__init__",
          [](Options* self, double threshold, double confidence, std::int64_t min_iterations,
             std::int64_t max_iterations, bool sorted, std::uint64_t seed) {
            new (self) Options{threshold, confidence, min_iterations, max_iterations, sorted, seed};
          },
          nb::arg("threshold"), nb::arg("confidence"), nb::arg("min_iterations"), nb::arg("max_iterations"),
          nb::arg("sorted"), nb::arg("seed"));
  m.def(
      "estimate_fundamental",
      [](Points2 points1, Points2 points2, const Options& options, Model3 out, Inliers inliers) {
        geometry::Matrix3 model;
        const nb::gil_scoped_release release;
        const auto result =
            geometry::estimate_fundamental(rows<2>(points1), rows<2>(points2), options, &model, inliers.data());
        copy(&model, 1, out.data());
        return found(result);
      },
      array("points1"), array("points2"), nb::arg("options"), array("out"), array("inliers"));
  m.def(
      "estimate_homography",
      [](Points2 points1, Points2 points2, const Options& options, Model3 out, Inliers inliers) {
        geometry::Matrix3 model;
        const nb::gil_scoped_release release;
        const auto result =
            geometry::estimate_homography(rows<2>(points1), rows<2>(points2), options, &model, inliers.data());
        copy(&model, 1, out.data());
        return found(result);
      },
      array("points1"), array("points2"), nb::arg("options"), array("out"), array("inliers"));
  m.def(
      "estimate_relative_pose",
      [](Points2 points1, Points2 points2, HostVector<double> weights1, HostVector<double> weights2,
         const Options& options, Model3 essential, Model34 out, Inliers inliers) {
        geometry::Matrix3 model;
        geometry::Pose pose;
        const nb::gil_scoped_release release;
        const auto result = geometry::estimate_relative_pose(rows<2>(points1), rows<2>(points2), weights1.data(),
                                                             weights2.data(), options, &model, &pose, inliers.data());
        copy(&model, 1, essential.data());
        copy(&pose, 1, out.data());
        return found(result);
      },
      array("points1"), array("points2"), array("weights1"), array("weights2"), nb::arg("options"), array("essential"),
      array("out"), array("inliers"));
  m.def(
      "estimate_absolute_pose",
      [](Points2 points2D, Points3 points3D, HostVector<double> weights, const Options& options, Model34 out,
         Inliers inliers) {
        geometry::Pose pose;
        const nb::gil_scoped_release release;
        const auto result = geometry::estimate_absolute_pose(rows<2>(points2D), rows<3>(points3D), weights.data(),
                                                             options, &pose, inliers.data());
        copy(&pose, 1, out.data());
        return found(result);
      },
      array("points2D"), array("points3D"), array("weights"), nb::arg("options"), array("out"), array("inliers"));
}

template <class T>
void bind_errors_for(nb::module_& m) {
  using PairsArg = RowsArg<const T, 2>;
  m.def(
      "sampson_errors",
      [](PairsArg points1, PairsArg points2, MatricesArg<const T> models, ViewArg<T, 2> out, int num_threads) {
        const nb::gil_scoped_release release;
        geometry::sampson_errors<T>(rows<2>(points1), rows<2>(points2), matrices(models), out.data(), num_threads);
      },
      array("points1"), array("points2"), array("models"), array("out"), nb::arg("num_threads"));
  m.def(
      "sampson_scores",
      [](PairsArg points1, PairsArg points2, MatricesArg<const T> models, double threshold, RowsArg<double, 2> out,
         int num_threads) {
        const nb::gil_scoped_release release;
        geometry::sampson_scores<T>(rows<2>(points1), rows<2>(points2), matrices(models), threshold, rows<2>(out),
                                    num_threads);
      },
      array("points1"), array("points2"), array("models"), nb::arg("threshold"), array("out"), nb::arg("num_threads"));
  m.def(
      "reprojection_scores",
      [](PairsArg points2D, RowsArg<const T, 3> points3D, PosesArg<const T> models, double threshold,
         RowsArg<double, 2> out, int num_threads) {
        const nb::gil_scoped_release release;
        geometry::reprojection_scores<T>(rows<2>(points2D), rows<3>(points3D), poses(models), threshold, rows<2>(out),
                                         num_threads);
      },
      array("points2D"), array("points3D"), array("models"), nb::arg("threshold"), array("out"),
      nb::arg("num_threads"));
}

using Indices = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Offsets = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

void bind_triangulation(nb::module_& m) {
  m.def(
      "triangulate",
      [](Points2 points2D, Indices image_indices, Offsets point_offsets, RowsArg<const double, 12> cam_from_world,
         int refine_steps, RowsArg<double, 3> out, int num_threads) {
        const nb::gil_scoped_release release;
        geometry::triangulate(rows<2>(points2D), image_indices.data(), point_offsets.data(), rows<12>(cam_from_world),
                              refine_steps, rows<3>(out), num_threads);
      },
      array("points2D"), array("image_indices"), array("point_offsets"), array("cam_from_world"),
      nb::arg("refine_steps"), array("out"), nb::arg("num_threads"));
  m.def(
      "triangulation_angles",
      [](Points3 xyz, Points3 centers, Indices image_indices, Offsets point_offsets,
         nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu> out, int num_threads) {
        const nb::gil_scoped_release release;
        geometry::triangulation_angles(rows<3>(xyz), rows<3>(centers), image_indices.data(), point_offsets.data(),
                                       out.data(), num_threads);
      },
      array("xyz"), array("centers"), array("image_indices"), array("point_offsets"), array("out"),
      nb::arg("num_threads"));
}

}  // namespace

void bind_geometry(nb::module_& m) {
  bind_errors_for<float>(m);
  bind_errors_for<double>(m);
  bind_triangulation(m);
  bind_solvers(m);
  bind_estimators(m);
}

}  // namespace fastcv::bindings
