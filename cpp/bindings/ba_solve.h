// SPDX-License-Identifier: Apache-2.0
// What fastcv._core and fastcv._ceres share: options, summary, and the call of their solver.
#pragma once

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include "ba/solve.h"
#include "bindings/ba_problem.h"

namespace fastcv::bindings {

// The Python exception that ended the solve, or None. It leaves the summary, where Python's garbage collector would not
// see the cycle exception, traceback, frame, summary.
inline nb::object take_error(ba::Summary& summary) {
  const std::exception_ptr thrown = std::exchange(summary.error, nullptr);
  if (!thrown) return nb::none();
  try {
    std::rethrow_exception(thrown);
  } catch (const nb::python_error& error) {
    return nb::borrow(error.value());
  }
}

// Calls solver(problem, options, callback), a ba::Summary.
template <class Solver>
std::pair<ba::Summary, nb::object> solve_with(const Solver& solver, nb::handle problem, const ba::Options& options,
                                              nb::handle callback) {
  const ba::Problem p = problem_from(problem);
  const ba::Callback call = [callback](const ba::Iteration& iteration) {
    const nb::gil_scoped_acquire gil;
    // Anything but False goes on, so that a callback need not return a value.
    return !callback(iteration).is(nb::handle(Py_False));
  };
  ba::Summary summary;
  {
    const nb::gil_scoped_release release;
    summary = solver(p, options, callback.is_none() ? ba::Callback() : call);
  }
  nb::object error = take_error(summary);
  return {std::move(summary), std::move(error)};
}

inline void bind_solve_types(nb::module_& m) {
  nb::enum_<ba::Loss>(m, "Loss")
      .value("none", ba::Loss::none)
      .value("huber", ba::Loss::huber)
      .value("soft_l1", ba::Loss::soft_l1)
      .value("cauchy", ba::Loss::cauchy)
      .value("geman_mcclure", ba::Loss::geman_mcclure)
      .value("tukey", ba::Loss::tukey);
  nb::enum_<ba::Termination>(m, "Termination")
      .value("converged", ba::Termination::converged)
      .value("max_iterations", ba::Termination::max_iterations)
      .value("time_limit", ba::Termination::time_limit)
      .value("stopped", ba::Termination::stopped)
      .value("failed", ba::Termination::failed)
      .value("interrupted", ba::Termination::interrupted);
  nb::class_<ba::Options>(m, "Options")
      .def(nb::init<std::string, ba::Loss, double, int, double, double, double, double, int>(), nb::kw_only(),
           nb::arg("linear_solver"), nb::arg("loss"), nb::arg("loss_scale"), nb::arg("max_iterations"),
           nb::arg("function_tolerance"), nb::arg("gradient_tolerance"), nb::arg("parameter_tolerance"),
           nb::arg("time_limit"), nb::arg("num_threads"));
  nb::class_<ba::Iteration>(m, "Iteration")
      .def_ro("iteration", &ba::Iteration::iteration)
      .def_ro("accepted", &ba::Iteration::accepted)
      .def_ro("cost", &ba::Iteration::cost)
      .def_ro("gradient_max", &ba::Iteration::gradient_max)
      .def_ro("step_norm", &ba::Iteration::step_norm)
      .def_ro("trust_region_radius", &ba::Iteration::trust_region_radius)
      .def_ro("linear_iterations", &ba::Iteration::linear_iterations)
      .def_ro("seconds", &ba::Iteration::seconds);
  nb::class_<ba::PhaseSeconds>(m, "PhaseSeconds")
      .def_ro("setup", &ba::PhaseSeconds::setup)
      .def_ro("linearize", &ba::PhaseSeconds::linearize)
      .def_ro("linear_solve", &ba::PhaseSeconds::linear_solve)
      .def_ro("take_step", &ba::PhaseSeconds::take_step)
      .def_ro("refine_points", &ba::PhaseSeconds::refine_points);
  nb::class_<ba::Summary>(m, "Summary")
      .def_ro("termination", &ba::Summary::termination)
      .def_ro("initial_cost", &ba::Summary::initial_cost)
      .def_ro("final_cost", &ba::Summary::final_cost)
      .def_ro("linear_solver", &ba::Summary::linear_solver)
      .def_ro("reason", &ba::Summary::reason)
      .def_ro("message", &ba::Summary::message)
      .def_ro("phases", &ba::Summary::phases)
      .def_ro("iterations", &ba::Summary::iterations);
}

// As solve(problem, options, callback) of the module.
template <class Solver>
void bind_solve(nb::module_& m, const char* name, Solver solver) {
  m.def(
      name,
      [solver](nb::handle problem, const ba::Options& options, nb::handle callback) {
        return solve_with(solver, problem, options, callback);
      },
      nb::arg("problem"), nb::arg("options"), nb::arg("callback").none());
}

}  // namespace fastcv::bindings
