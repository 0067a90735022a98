// SPDX-License-Identifier: Apache-2.0
// Reads a ba::Problem from the Python object that holds its arrays (fastcv.ba._arrays.ProblemArrays): views into them,
// which that object keeps alive. The names are those of the Python fields.
#pragma once

#include "ba/problem.h"
#include "bindings/arrays.h"

namespace fastcv::bindings {

template <class T, int Rank>
void read(nb::handle object, const char* name, View<T, Rank>& out) {
  out = view<Rank>(nb::cast<ViewArg<T, Rank>>(object.attr(name), false));
}
template <class T, int Cols>
void read(nb::handle object, const char* name, Rows<T, Cols>& out) {
  out = rows<Cols>(nb::cast<RowsArg<T, Cols>>(object.attr(name), false));
}

inline ba::Priors priors_from(nb::handle arrays) {
  ba::Priors priors;
  read(arrays, "rows", priors.rows);
  read(arrays, "values", priors.values);
  read(arrays, "whitening", priors.whitening);
  const double scale = nb::cast<double>(arrays.attr("loss_scale"));
  const nb::object loss = nb::getattr(nb::type<ba::Loss>(), arrays.attr("loss"));
  priors.loss = {nb::cast<ba::Loss>(loss), scale * scale};
  return priors;
}

inline ba::ParamsPriors params_priors_from(nb::handle arrays) {
  ba::ParamsPriors priors;
  read(arrays, "images", priors.images);
  read(arrays, "indices", priors.indices);
  read(arrays, "values", priors.values);
  read(arrays, "weights", priors.weights);
  return priors;
}

inline ba::Rigs rigs_from(nb::handle arrays) {
  ba::Rigs rigs;
  read(arrays, "image_frames", rigs.image_frames);
  read(arrays, "image_sensors", rigs.image_sensors);
  read(arrays, "rig_from_world", rigs.rig_from_world);
  read(arrays, "sensor_from_rig", rigs.sensor_from_rig);
  read(arrays, "sensor_free", rigs.sensor_free);
  return rigs;
}

inline ba::Problem problem_from(nb::handle arrays) {
  ba::Problem problem;
  read(arrays, "camera_models", problem.camera_models);
  read(arrays, "param_offsets", problem.param_offsets);
  read(arrays, "params", problem.params);
  read(arrays, "params_free", problem.params_free);
  read(arrays, "image_cameras", problem.image_cameras);
  read(arrays, "cam_from_world", problem.cam_from_world);
  read(arrays, "pose_free", problem.pose_free);
  read(arrays, "points", problem.points);
  read(arrays, "points_free", problem.points_free);
  read(arrays, "image_indices", problem.image_indices);
  read(arrays, "point_indices", problem.point_indices);
  read(arrays, "observations", problem.observations);
  read(arrays, "weights", problem.weights);
  read(arrays, "whitening", problem.whitening);
  problem.pose_priors = priors_from(arrays.attr("pose_priors"));
  problem.position_priors = priors_from(arrays.attr("position_priors"));
  problem.point_priors = priors_from(arrays.attr("point_priors"));
  problem.params_priors = params_priors_from(arrays.attr("params_priors"));
  problem.rigs = rigs_from(arrays.attr("rigs"));
  return problem;
}

}  // namespace fastcv::bindings
