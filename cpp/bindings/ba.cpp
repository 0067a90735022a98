// SPDX-License-Identifier: Apache-2.0
// fastcv._core.ba
#include "ba/batch.h"
#include "ba/covariance.h"
#include "ba/implicit_gradient.h"
#include "ba/inspect.h"
#include "ba/linearize.h"
#include "bindings/ba_solve.h"

namespace fastcv::bindings {
namespace {

// fastcv.ba._arrays.DataGradient
ba::DataGradient data_gradient_from(nb::handle arrays) {
  ba::DataGradient gradient;
  read(arrays, "observations", gradient.observations);
  read(arrays, "weights", gradient.weights);
  read(arrays, "whitening", gradient.whitening);
  const auto of_priors = [&](const char* name, ba::DataGradient::OfPriors& to) {
    read(arrays.attr(name), "values", to.values);
    read(arrays.attr(name), "whitening", to.whitening);
  };
  of_priors("pose_priors", gradient.pose_priors);
  of_priors("position_priors", gradient.position_priors);
  of_priors("point_priors", gradient.point_priors);
  read(arrays.attr("params_priors"), "values", gradient.params_priors.values);
  read(arrays.attr("params_priors"), "weights", gradient.params_priors.weights);
  return gradient;
}

}  // namespace

void bind_ba(nb::module_& m) {
  bind_solve_types(m);
  bind_solve(m, "solve", &ba::solve_native);
  bind_solve(m, "solve_resident", &ba::solve_resident);  // for tests
  m.def(
      "covariance",
      [](nb::handle problem, ba::Loss loss, double loss_scale, RowsArg<double, 36> poses, ViewArg<double, 1> params,
         RowsArg<double, 9> points, RowsArg<double, 36> sensors, int num_threads) {
        const ba::Problem p = problem_from(problem);
        const ba::Covariance out{rows<36>(poses), view<1>(params), rows<9>(points), rows<36>(sensors)};
        const nb::gil_scoped_release release;
        ba::covariance(p, loss, loss_scale, out, num_threads);
      },
      nb::arg("problem"), nb::arg("loss"), nb::arg("loss_scale"), array("poses"), array("params"), array("points"),
      array("sensors"), nb::arg("num_threads"));
  m.def(
      "approach_minimum",
      [](nb::handle problem, ba::Loss loss, double loss_scale, int num_threads) {
        const ba::Problem p = problem_from(problem);
        const nb::gil_scoped_release release;
        return ba::approach_minimum(p, loss, loss_scale, num_threads);
      },
      nb::arg("problem"), nb::arg("loss"), nb::arg("loss_scale"), nb::arg("num_threads"));
  m.def(
      "implicit_gradient",
      [](nb::handle problem, ba::Loss loss, double loss_scale, RowsArg<double, 6> poses, ViewArg<double, 1> params,
         RowsArg<double, 3> points, RowsArg<const double, 6> sensors, nb::handle by_data, int num_threads) {
        const ba::Problem p = problem_from(problem);
        const ba::TangentView by_solution{rows<6>(poses), view<1>(params), rows<3>(points)};
        const ba::DataGradient data = data_gradient_from(by_data);
        const auto by_sensors = rows<6>(sensors);
        const nb::gil_scoped_release release;
        ba::implicit_gradient(p, loss, loss_scale, by_solution, by_sensors, data, num_threads);
      },
      nb::arg("problem"), nb::arg("loss"), nb::arg("loss_scale"), array("poses"), array("params"), array("points"),
      array("sensors"), nb::arg("by_data"), nb::arg("num_threads"));
  m.def(
      "hessian_product",
      [](nb::handle problem, ba::Loss loss, double loss_scale, RowsArg<double, 6> poses, ViewArg<double, 1> params,
         RowsArg<double, 3> points, int num_threads) {
        const ba::Problem p = problem_from(problem);
        const ba::TangentView x{rows<6>(poses), view<1>(params), rows<3>(points)};
        const nb::gil_scoped_release release;
        ba::hessian_product(p, loss, loss_scale, x, num_threads);
      },
      nb::arg("problem"), nb::arg("loss"), nb::arg("loss_scale"), array("poses"), array("params"), array("points"),
      nb::arg("num_threads"));
  m.def(
      "solve_batch",
      [](nb::handle problem, ViewArg<const std::int32_t, 1> image_items, const ba::Options& options,
         ViewArg<double, 1> initial_costs, ViewArg<double, 1> final_costs, ViewArg<std::int32_t, 1> num_iterations,
         ViewArg<std::int32_t, 1> terminations) {
        const ba::Problem p = problem_from(problem);
        const auto items = view<1>(image_items);
        const ba::BatchSummary summary{view<1>(initial_costs), view<1>(final_costs), view<1>(num_iterations),
                                       view<1>(terminations)};
        const nb::gil_scoped_release release;
        ba::solve_batch(p, items, options, summary);
      },
      nb::arg("problem"), array("image_items"), nb::arg("options"), array("initial_costs"), array("final_costs"),
      array("num_iterations"), array("terminations"));
  m.def(
      "inspect",
      [](nb::handle problem) {
        const ba::Problem p = problem_from(problem);
        const nb::gil_scoped_release release;
        const ba::Inspection found = ba::inspect(p);
        return std::pair(found.num_components, found.num_behind);
      },
      nb::arg("problem"));
  m.def(
      "first_beyond",
      [](nb::handle problem, double limit, int num_threads) {
        const ba::Problem p = problem_from(problem);
        const nb::gil_scoped_release release;
        return ba::first_beyond(p, limit, num_threads);
      },
      nb::arg("problem"), nb::arg("limit"), nb::arg("num_threads"));
  m.def(
      "first_repetition",
      [](ViewArg<const std::int32_t, 1> image_indices, ViewArg<const std::int32_t, 1> point_indices,
         std::int64_t num_points) {
        const auto images = view<1>(image_indices), points = view<1>(point_indices);
        const nb::gil_scoped_release release;
        return ba::first_repetition(images, points, num_points);
      },
      array("image_indices"), array("point_indices"), nb::arg("num_points"));
  m.def(
      "count_rows",
      [](ViewArg<const std::int32_t, 1> indices, ViewArg<std::int32_t, 1> counts) {
        const auto from = view<1>(indices);
        const auto to = view<1>(counts);
        const nb::gil_scoped_release release;
        ba::count_rows(from, to);
      },
      array("indices"), array("counts"));
  m.def(
      "item_ranges",
      [](ViewArg<const std::int32_t, 1> rows, ViewArg<const std::int32_t, 1> images,
         ViewArg<const std::int32_t, 1> image_items, ViewArg<std::int32_t, 1> low, ViewArg<std::int32_t, 1> high) {
        const auto used = view<1>(rows), users = view<1>(images), items = view<1>(image_items);
        const auto lowest = view<1>(low), highest = view<1>(high);
        const nb::gil_scoped_release release;
        ba::item_ranges(used, users, items, lowest, highest);
      },
      array("rows"), array("images"), array("image_items"), array("low"), array("high"));
  m.def(
      "residuals",
      [](nb::handle problem, RowsArg<double, 2> residuals, bool weighted, int num_threads) {
        const ba::Problem p = problem_from(problem);
        const auto r = rows<2>(residuals);
        const nb::gil_scoped_release release;
        ba::residuals(p, r, weighted, num_threads);
      },
      nb::arg("problem"), array("residuals"), nb::arg("weighted"), nb::arg("num_threads"));
  m.def(
      "linearize",
      [](nb::handle problem, RowsArg<double, 2> residuals, ViewArg<double, 3> d_pose, ViewArg<double, 3> d_params,
         ViewArg<double, 3> d_point, int num_threads) {
        const ba::Problem p = problem_from(problem);
        const auto r = rows<2>(residuals);
        const auto pose = view<3>(d_pose), params = view<3>(d_params), point = view<3>(d_point);
        const nb::gil_scoped_release release;
        ba::linearize(p, r, pose, params, point, num_threads);
      },
      nb::arg("problem"), array("residuals"), array("d_pose"), array("d_params"), array("d_point"),
      nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
