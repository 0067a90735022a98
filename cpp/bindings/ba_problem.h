// SPDX-License-Identifier: Apache-2.0
// Reads a ba::Problem from the Python object that holds its arrays (fastcv.ba._arrays.ProblemArrays).
#pragma once

#include "ba/problem.h"
#include "bindings/arrays.h"

namespace fastcv::bindings {

// Views into the arrays, which the Python object keeps alive. The names are those of the Python fields.
inline ba::Problem problem_from(nb::handle arrays) {
  const auto vector = [&]<class T>(const char* name, View<T, 1>& out) {
    out = view<1>(nb::cast<ViewArg<T, 1>>(arrays.attr(name), false));
  };
  const auto matrix = [&]<class T, int Cols>(const char* name, Rows<T, Cols>& out) {
    out = rows<Cols>(nb::cast<RowsArg<T, Cols>>(arrays.attr(name), false));
  };
  ba::Problem problem;
  vector("camera_models", problem.camera_models);
  vector("param_offsets", problem.param_offsets);
  vector("params", problem.params);
  vector("params_free", problem.params_free);
  vector("image_cameras", problem.image_cameras);
  matrix("cam_from_world", problem.cam_from_world);
  matrix("pose_free", problem.pose_free);
  matrix("points", problem.points);
  vector("points_free", problem.points_free);
  vector("image_indices", problem.image_indices);
  vector("point_indices", problem.point_indices);
  matrix("observations", problem.observations);
  vector("weights", problem.weights);
  return problem;
}

}  // namespace fastcv::bindings
