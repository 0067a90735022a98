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
template <int Cols>
using Matrix = nb::ndarray<double, nb::shape<3, Cols>, nb::c_contig, nb::device::cpu>;
// score, num_inliers, num_iterations
using Found = std::tuple<double, std::int64_t, std::int64_t>;

template <std::size_t N>
int copy(const std::array<double, N>* models, int count, double* out) {
  for (int k = 0; k < count; ++k) std::copy(models[k].begin(), models[k].end(), out + k * N);
  return count;
}

Found found(const geometry::RansacResult& r) { return {r.consensus.score, r.consensus.num_inliers, r.num_iterations}; }

// Solvers of exactly as many points as they need: as many solutions as there are, at most Most.
template <int Most, int Cols1, int Cols2, class Model>
void bind_minimal(nb::module_& m, const char* name, const char* first, const char* second,
                  int (*solve)(const double*, const double*, Model*)) {
  m.def(
      name,
      [solve](RowsArg<const double, Cols1> a, RowsArg<const double, Cols2> b,
              RowsArg<double, std::tuple_size_v<Model>> out) {
        Model models[Most];
        return copy(models, solve(a.data(), b.data(), models), out.data());
      },
      array(first), array(second), array("out"));
}

// Linear solvers of any number of points: whether there is one solution only.
template <int Cols2, class Model>
void bind_linear(nb::module_& m, const char* name, const char* first, const char* second,
                 bool (*solve)(Rows<const double, 2>, Rows<const double, Cols2>, Model*)) {
  m.def(
      name,
      [solve](Points2 a, RowsArg<const double, Cols2> b, Matrix<std::tuple_size_v<Model> / 3> out) {
        Model model{};
        const nb::gil_scoped_release release;
        const bool unique = solve(rows<2>(a), rows<Cols2>(b), &model);
        copy(&model, 1, out.data());
        return unique;
      },
      array(first), array(second), array("out"));
}

void bind_solvers(nb::module_& m) {
  bind_minimal<geometry::kMaxEssentials, 3, 3>(m, "five_point", "rays1", "rays2", geometry::five_point);
  bind_minimal<geometry::kMaxFundamentals, 2, 2>(m, "seven_point", "points1", "points2", geometry::seven_point);
  bind_minimal<geometry::kMaxP3pPoses, 3, 3>(m, "p3p", "rays", "points3D", geometry::p3p);
  bind_linear(m, "eight_point", "points1", "points2", geometry::eight_point);
  bind_linear(m, "dlt_homography", "points1", "points2", geometry::dlt_homography);
  bind_linear(m, "dlt_pnp", "points2D", "points3D", geometry::dlt_pnp);
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

using Options = geometry::RansacOptions;

void bind_two_view(nb::module_& m, const char* name, decltype(&geometry::estimate_fundamental) estimate) {
  m.def(
      name,
      [estimate](Points2 points1, Points2 points2, const Options& options, Matrix<3> out, Inliers inliers) {
        geometry::Matrix3 model;
        const nb::gil_scoped_release release;
        const auto result = estimate(rows<2>(points1), rows<2>(points2), options, &model, inliers.data());
        copy(&model, 1, out.data());
        return found(result);
      },
      array("points1"), array("points2"), nb::arg("options"), array("out"), array("inliers"));
}

void bind_estimators(nb::module_& m) {
  nb::class_<Options>(m, "RansacOptions")
      .def(
          "__init__",
          [](Options* self, double threshold, double confidence, std::int64_t min_iterations,
             std::int64_t max_iterations, bool sorted, std::uint64_t seed) {
            new (self) Options{threshold, confidence, min_iterations, max_iterations, sorted, seed};
          },
          nb::arg("threshold"), nb::arg("confidence"), nb::arg("min_iterations"), nb::arg("max_iterations"),
          nb::arg("sorted"), nb::arg("seed"));
  bind_two_view(m, "estimate_fundamental", geometry::estimate_fundamental);
  bind_two_view(m, "estimate_homography", geometry::estimate_homography);
  m.def(
      "estimate_relative_pose",
      [](Points2 points1, Points2 points2, HostVector<double> weights1, HostVector<double> weights2,
         const Options& options, Matrix<3> essential, Matrix<4> out, Inliers inliers) {
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
      [](Points2 points2D, Points3 points3D, HostVector<double> weights, const Options& options, Matrix<4> out,
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
