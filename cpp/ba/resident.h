// SPDX-License-Identifier: Apache-2.0
// Our own bundle adjustment with all its arrays on one device: the algorithm of native.cpp as block kernels, over an
// executor (core/executor.h) that runs them. The host decides; a few numbers an iteration come back to it.
//
// A device has bandwidth and threads to spare, so that three things differ from the CPU's: a conjugate gradient passes
// over the Jacobians twice (by point, then by image), nothing is kept for the next observation, and the fall of the
// linearised cost is expanded into its products, priors among them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ba/levenberg_marquardt.h"
#include "ba/resident_costs.h"
#include "ba/resident_observation.hd.h"
#include "ba/resident_points.hd.h"
#include "ba/resident_system.h"

namespace fastcv::FASTCV_ISA::ba {

template <class Executor>
class Resident : public fastcv::ba::Linearization {
 public:
  Resident(Executor& on, const fastcv::ba::Problem& problem, const fastcv::ba::Options& options);

  double linearize() override;
  double gradient_max() override;
  int solve(double lambda) override;
  Step take_step() override;
  double refine_trial(double lambda) override;
  void accept_trial() override { std::swap(at_, trial_); }
  double norm() override {
    return std::sqrt(sum(on_, 3 * e_.num_points, SquaredOffset{at_.points}) + norm2(at_.params, num_params_));
  }
  double initial_radius() const override { return fastcv::ba::initial_radius(system_->is_iterative(), e_.num_images); }
  std::string linear_solver() const override { return system_->is_iterative() ? "iterative_schur" : "dense_schur"; }
  std::string reason() const override { return reason_; }

  // To the problem's arrays, all of them: Ctrl-C is not answered between.
  void write_back() const;

 private:
  // Where the unknowns stand; on the device.
  struct State {
    double *cam_from_world, *params, *points, *rig_from_world, *sensor_from_rig;  // the last two where there are rigs
    Estimate estimate() const { return {cam_from_world, points, params}; }
  };

  State upload_state();
  void upload(const fastcv::ba::Arrangement& arrangement, const fastcv::ba::ResidentLists& lists);
  void upload_priors(const fastcv::ba::ResidentLists& lists);
  fastcv::ba::Priors upload(const fastcv::ba::Priors& priors);
  void allocate();
  void choose(const fastcv::ba::Arrangement& arrangement, const fastcv::ba::ResidentLists& lists,
              const fastcv::ba::Options& options);

  void observe(const State& state, Wanted wanted);
  void move_poses();  // to the trial point
  double prior_cost(const State& state, bool cost_only) const;
  double norm2(const double* values, std::int64_t size) const { return sum(on_, size, Dot{values, values}); }

  struct Group {
    std::int32_t model;
    std::int64_t size;
    const std::int64_t* observations;
  };

  Executor& on_;
  const fastcv::ba::Problem& problem_;
  const std::int64_t num_params_;
  Arena<Executor> arena_;
  ResidentEquations e_{};
  std::vector<Group> groups_;
  State at_, trial_;
  ResidentScratch scratch_;
  const std::int64_t* param_places_;
  const std::int32_t *of_frames_, *of_sensors_;  // unknowns of their poses
  Column* shifts_;
  double *points_before_, *costs_before_, *gradient_, *diagonal_, *damping_, *right_, *step_;
  std::unique_ptr<ResidentUnknowns<Executor>> unknowns_;
  std::unique_ptr<ResidentSystem<Executor>> system_;
  std::string reason_ = "asked for";
};

constexpr double kCheapFactor = 60;     // in conjugate gradients
constexpr double kMostPairs = 1 << 26;  // of observations or of meetings: 1 GiB of lists
// What the coarse space may cost, in conjugate gradients, before clusters grow. On a street of 1000 images, clusters of
// 10 frames took up to 10 of these a step, of 40 and more up to 24, of 80 and more up to 41.
constexpr double kCheapCoarse = 10;

template <class Executor>
Resident<Executor>::Resident(Executor& on, const fastcv::ba::Problem& problem, const fastcv::ba::Options& options)
    : on_(on), problem_(problem), num_params_(problem.params.size()), arena_(on) {
  const fastcv::ba::Arrangement arrangement(problem);
  const fastcv::ba::Equations& from = arrangement.equations();
  const fastcv::ba::ResidentLists lists(problem, arrangement);
  e_.loss = {options.loss, options.loss_scale * options.loss_scale};
  e_.columns = from.columns;
  e_.num_images = from.num_images;
  e_.num_points = from.num_points;
  e_.num_observations = from.num_observations;
  unknowns_ = std::make_unique<ResidentUnknowns<Executor>>(on, lists, from.columns);
  at_ = upload_state();
  trial_ = upload_state();
  upload(arrangement, lists);
  upload_priors(lists);
  allocate();
  choose(arrangement, lists, options);
}

template <class Executor>
typename Resident<Executor>::State Resident<Executor>::upload_state() {
  const fastcv::ba::Rigs& rigs = problem_.rigs;
  return {arena_.upload(problem_.cam_from_world.data, 12 * e_.num_images),
          arena_.upload(problem_.params.data, num_params_), arena_.upload(problem_.points.data, 3 * e_.num_points),
          arena_.upload(rigs.rig_from_world.data, 12 * rigs.rig_from_world.rows),
          arena_.upload(rigs.sensor_from_rig.data, 12 * rigs.sensor_from_rig.rows)};
}

template <class Executor>
void Resident<Executor>::upload(const fastcv::ba::Arrangement& arrangement, const fastcv::ba::ResidentLists& lists) {
  const fastcv::ba::Equations& from = arrangement.equations();
  e_.image_cameras = arena_.upload(problem_.image_cameras.data, e_.num_images);
  e_.param_offsets = arena_.upload(problem_.param_offsets.data, problem_.param_offsets.size());
  e_.num_free = arena_.upload(lists.num_free);
  e_.param_columns = arena_.upload(lists.param_columns);
  e_.images = arena_.upload(from.images, e_.num_observations);
  e_.points = arena_.upload(from.points, e_.num_observations);
  e_.observed = arena_.upload(from.observed, 2 * e_.num_observations);
  e_.weights = arena_.upload(from.weights, e_.num_observations);
  if (from.whitening) e_.whitening = arena_.upload(from.whitening, 3 * e_.num_observations);
  e_.point_free = arena_.upload(from.point_free, e_.num_points);
  e_.point_begin = arena_.upload(from.point_begin, e_.num_points + 1);
  e_.image_begin = arena_.upload(from.image_begin, e_.num_images + 1);
  e_.by_image = arena_.upload(from.by_image, e_.num_observations);
  param_places_ = arena_.upload(lists.param_places);
  of_frames_ = arena_.upload(lists.of_frames);
  of_sensors_ = arena_.upload(lists.of_sensors);
  for (const auto& group : lists.groups) {
    groups_.push_back({group.model, group.size, arena_.upload(group.observations)});
  }
}

template <class Executor>
fastcv::ba::Priors Resident<Executor>::upload(const fastcv::ba::Priors& priors) {
  fastcv::ba::Priors copy = priors;  // without rows: lists say where each image's or point's begin
  copy.values.data = arena_.upload(priors.values.data, priors.values.size());
  copy.whitening.data = arena_.upload(priors.whitening.data, priors.whitening.size());
  return copy;
}

template <class Executor>
void Resident<Executor>::upload_priors(const fastcv::ba::ResidentLists& lists) {
  e_.point_priors_begin = arena_.upload(lists.prior_begins.points);
  e_.point_priors = upload(problem_.point_priors);
  e_.image_priors = {arena_.upload(lists.prior_begins.poses),  arena_.upload(lists.prior_begins.positions),
                     arena_.upload(lists.prior_begins.params), upload(problem_.pose_priors),
                     upload(problem_.position_priors),         arena_.upload(lists.prior_params),
                     arena_.upload(lists.prior_columns),       arena_.upload(lists.prior_values),
                     arena_.upload(lists.prior_weights)};
}

template <class Executor>
void Resident<Executor>::allocate() {
  const auto doubles = [this](std::int64_t size) { return arena_.template allocate<double>(size); };
  const std::int64_t of_images = e_.num_images * e_.columns, n = unknowns_->count();
  e_.jacobian = arena_.template allocate<Column>(e_.num_observations * e_.columns);
  shifts_ = arena_.template allocate<Column>(3 * e_.num_observations);
  e_.weighted = doubles(2 * e_.num_observations);
  e_.costs = doubles(e_.num_observations);
  e_.point_hessian = doubles(6 * e_.num_points);
  e_.point_gradient = doubles(3 * e_.num_points);
  e_.point_inverse = doubles(6 * e_.num_points);
  e_.image_hessian = doubles(of_images * e_.columns);
  e_.image_gradient = doubles(of_images);
  points_before_ = doubles(3 * e_.num_points);
  costs_before_ = doubles(e_.num_points);
  scratch_ = {doubles(3 * e_.num_observations), doubles(3 * e_.num_points), doubles(of_images)};
  for (double** vector : {&gradient_, &diagonal_, &damping_, &right_, &step_}) *vector = doubles(n);
}

template <class Executor>
void Resident<Executor>::choose(const fastcv::ba::Arrangement& arrangement, const fastcv::ba::ResidentLists& lists,
                                const fastcv::ba::Options& options) {
  const fastcv::ba::Equations& from = arrangement.equations();
  const auto n = static_cast<double>(unknowns_->count()), slots = static_cast<double>(unknowns_->num_slots());
  const double pairs = arrangement.num_pairs(), gradient = fastcv::ba::gradient_seconds(from);
  const double cost = (fastcv::ba::write_seconds(from, pairs, n, slots) + fastcv::ba::factor_seconds(n)) / gradient;
  bool factored = options.linear_solver == "dense_schur";
  if (options.linear_solver.empty()) {
    reason_ = "a factor costs " + std::to_string(std::lround(cost)) + " conjugate gradients of " +
              std::to_string(std::lround(kCheapFactor)) + " that it may";
    const double entries = n * n + n * slots + slots * slots;
    factored = cost < kCheapFactor && entries <= fastcv::ba::kMostEntries && pairs <= kMostPairs;
  }
  if (factored) {
    const fastcv::ba::ObservationPairs lists_of_pairs(fastcv::ba::Incidence::of(from), options.num_threads);
    system_ = std::make_unique<ResidentCholesky<Executor>>(on_, e_, *unknowns_, lists_of_pairs);
    return;
  }
  double most_unknowns = kTile;
  while (fastcv::ba::inverse_seconds(most_unknowns + kTile) < kCheapCoarse * gradient) most_unknowns += kTile;
  const double meeting_bytes = fastcv::ba::pair_bytes(1 + from.columns);  // seven modes instead of a pose
  const double most_pairs = kCheapCoarse * gradient * fastcv::ba::kBandwidth / meeting_bytes;
  const fastcv::ba::ClusterLists clusters(problem_, from, most_unknowns, std::min(most_pairs, kMostPairs),
                                          options.num_threads);
  system_ = std::make_unique<ResidentGradients<Executor>>(on_, e_, *unknowns_, lists, clusters, scratch_);
}

template <class Executor>
void Resident<Executor>::write_back() const {
  on_.download(at_.cam_from_world, 12 * e_.num_images, problem_.cam_from_world.data);
  on_.download(at_.params, num_params_, problem_.params.data);
  on_.download(at_.points, 3 * e_.num_points, problem_.points.data);
  const fastcv::ba::Rigs& rigs = problem_.rigs;
  on_.download(at_.rig_from_world, 12 * rigs.rig_from_world.rows, rigs.rig_from_world.data);
  on_.download(at_.sensor_from_rig, 12 * rigs.sensor_from_rig.rows, rigs.sensor_from_rig.data);
}

template <class Executor>
void Resident<Executor>::observe(const State& state, Wanted wanted) {
  for (const Group& group : groups_) {
    with_model(group.model, [&](auto model) {
      for_each(on_, group.size, Observe<decltype(model)>{e_, state.estimate(), group.observations, wanted, shifts_});
    });
  }
}

template <class Executor>
double Resident<Executor>::prior_cost(const State& state, bool cost_only) const {
  const ImagePriorLists& priors = e_.image_priors;
  if (!priors.pose_begin && !priors.position_begin && !priors.params_begin) return 0;
  return sum(on_, e_.num_images, ImagePriorTerms{e_, state.estimate(), cost_only});
}

template <class Executor>
double Resident<Executor>::linearize() {
  unknowns_->stand_at(at_.rig_from_world, at_.sensor_from_rig);
  observe(at_, Wanted::linearization);
  sum_rows(on_, e_.num_images, ImageGradients{{e_}});
  sum_rows(on_, e_.num_images, ImageHessians{{e_}});
  const double cost = sum(on_, e_.num_points, PointBlocks{e_, at_.points}) + prior_cost(at_, false);
  unknowns_->gather(e_.image_gradient, gradient_);
  const double trace = sum(on_, e_.num_images * e_.columns, HessianDiagonal{e_, scratch_.image_values});
  unknowns_->gather_diagonal(e_.image_hessian, scratch_.image_values, diagonal_);
  // The Jacobians are in single precision, which ends at 1e38.
  return std::isfinite(trace) ? cost : std::numeric_limits<double>::infinity();
}

template <class Executor>
double Resident<Executor>::gradient_max() {
  return std::max(reduce<Largest>(on_, unknowns_->count(), Magnitude{gradient_}),
                  reduce<Largest>(on_, 3 * e_.num_points, FreePointMagnitude{e_}));
}

template <class Executor>
int Resident<Executor>::solve(double lambda) {
  for_each(on_, e_.num_points, DampPoint{e_, lambda, scratch_.point_steps});
  sum_rows(on_, e_.num_images, EliminatedProduct{{e_}, scratch_.point_steps, nullptr, 0, scratch_.image_values});
  unknowns_->gather(scratch_.image_values, right_);
  for_each(on_, unknowns_->count(),
           Damping{diagonal_, fastcv::ba::kDiagonalShare * lambda, fastcv::ba::kSmallestDiagonal, damping_});
  const double scale = 1 + lambda * (1 - fastcv::ba::kDiagonalShare);  // of the Hessian's blocks by image
  const double* frames = unknowns_->has_rigs() ? at_.rig_from_world : at_.cam_from_world;
  return system_->solve(frames, scale, damping_, right_, step_);
}

template <class Executor>
fastcv::ba::Linearization::Step Resident<Executor>::take_step() {
  const std::int64_t n = unknowns_->count();
  unknowns_->spread(step_, scratch_.image_values);
  for_each(on_, e_.num_observations, ByShift{e_, scratch_.image_values, scratch_.by_shift});
  double fall =
      sum(on_, e_.num_points, BackSubstitute{e_, scratch_.by_shift, at_.points, scratch_.point_steps, trial_.points});
  fall -= sum(on_, n, Dot{gradient_, step_});
  fall -= 0.5 * sum(on_, e_.num_images * e_.columns, ImageCurvature{e_, scratch_.image_values});
  move_poses();
  for_each(on_, num_params_, MoveParam{param_places_, scratch_.image_values, at_.params, trial_.params});
  return {fall, std::sqrt(norm2(step_, n) + norm2(scratch_.point_steps, 3 * e_.num_points))};
}

template <class Executor>
void Resident<Executor>::move_poses() {
  if (!unknowns_->has_rigs()) {
    return for_each(on_, e_.num_images,
                    MoveImage{e_, scratch_.image_values, at_.cam_from_world, trial_.cam_from_world});
  }
  const fastcv::ba::Rigs& rigs = problem_.rigs;
  for_each(on_, rigs.rig_from_world.rows, MovePoses{of_frames_, step_, at_.rig_from_world, trial_.rig_from_world});
  for_each(on_, rigs.sensor_from_rig.rows, MovePoses{of_sensors_, step_, at_.sensor_from_rig, trial_.sensor_from_rig});
  for_each(on_, e_.num_images,
           ComposePoses{unknowns_->rigs(), trial_.rig_from_world, trial_.sensor_from_rig, trial_.cam_from_world});
}

template <class Executor>
double Resident<Executor>::refine_trial(double lambda) {
  observe(trial_, Wanted::shifts);
  for_each(on_, e_.num_points, RefinePoint{e_, lambda, shifts_, trial_.points, points_before_, costs_before_});
  observe(trial_, Wanted::cost);
  return sum(on_, e_.num_points, KeepBetter{e_, trial_.points, points_before_, costs_before_}) +
         prior_cost(trial_, true);
}

template <class Executor>
fastcv::ba::Summary solve_resident(Executor& on, const fastcv::ba::Problem& problem, const fastcv::ba::Options& options,
                                   const fastcv::ba::Callback& callback, std::chrono::steady_clock::time_point start) {
  Resident<Executor> resident(on, problem, options);
  fastcv::ba::Summary summary = fastcv::ba::levenberg_marquardt(resident, options, callback, start);
  resident.write_back();
  return summary;
}

}  // namespace fastcv::FASTCV_ISA::ba
