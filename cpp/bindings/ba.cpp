// SPDX-License-Identifier: Apache-2.0
// fastcv._core.ba
#include "ba/batch.h"
#include "ba/covariance.h"
#include "ba/inspect.h"
#include "ba/linearize.h"
#include "bindings/ba_solve.h"

namespace fastcv::bindings {

void bind_ba(nb::module_& m) {
  bind_solve<&ba::solve_native>(m);
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
      "residuals",
      [](nb::handle problem, RowsArg<double, 2> residuals, int num_threads) {
        const ba::Problem p = problem_from(problem);
        const auto r = rows<2>(residuals);
        const nb::gil_scoped_release release;
        ba::residuals(p, r, num_threads);
      },
      nb::arg("problem"), array("residuals"), nb::arg("num_threads"));
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
