// SPDX-License-Identifier: Apache-2.0
// Builds the Ceres problem and chooses Ceres' options.
#include "ba/ceres/adjustment.h"

#include <ceres/types.h>

#include <stdexcept>

#include "ba/ceres/cost.h"
#include "core/interrupt.h"

namespace fastcv::ba {
namespace {

class RobustCost final : public ceres::LossFunction {
 public:
  RobustCost(Loss loss, double scale) : loss_(loss), squared_scale_(scale * scale) {}
  void Evaluate(double s, double rho[3]) const override {
    const generic::ba::RhoDerivatives d = generic::ba::robust_loss(loss_, squared_scale_, s);
    rho[0] = d.rho;
    rho[1] = d.first;
    rho[2] = d.second;
  }

 private:
  const Loss loss_;
  const double squared_scale_;
};

std::unique_ptr<ceres::LossFunction> make_loss(Loss loss, double scale) {
  if (loss == Loss::none) return nullptr;
  return std::make_unique<RobustCost>(loss, scale);
}

ceres::Problem::Options problem_options(Parameters* parameters) {
  ceres::Problem::Options options;
  options.loss_function_ownership = ceres::DO_NOT_TAKE_OWNERSHIP;
  options.evaluation_callback = parameters;
  options.disable_all_safety_checks = true;  // a check of every pair of pointers, quadratic in the blocks of a residual
  return options;
}

}  // namespace

Adjustment::Adjustment(const Problem& problem, const Options& options)
    : parameters_(problem), loss_(make_loss(options.loss, options.loss_scale)), ceres_(problem_options(&parameters_)) {
  for (std::int64_t k = 0; k < problem.num_observations(); ++k) {
    if (k % 1024 == 0) poll_interrupt();
    add(problem, k);
  }
  options_.max_num_iterations = options.max_iterations;
  options_.function_tolerance = options.function_tolerance;
  options_.gradient_tolerance = options.gradient_tolerance;
  options_.parameter_tolerance = options.parameter_tolerance;
  options_.max_solver_time_in_seconds = options.time_limit;
  options_.num_threads = options.num_threads;
  options_.logging_type = ceres::SILENT;
  options_.update_state_every_iteration = true;
  options_.dense_linear_algebra_library_type = ceres::EIGEN;  // whatever LAPACK the system has, the same result
  choose_linear_solver(problem, options.linear_solver);
}

void Adjustment::add(const Problem& problem, std::int64_t k) {
  std::unique_ptr<ceres::CostFunction> cost;
  const int image = problem.image_indices(k), point = problem.point_indices(k);
  generic::with_model(problem.camera_models(problem.image_cameras(image)), [&](auto model) {
    cost = std::make_unique<ReprojectionCost<decltype(model)>>(parameters_, problem, k);
  });
  std::vector<double*> blocks;
  for (Block* block : {&parameters_.image_block(image), &parameters_.camera_block(image)}) {
    if (!block->empty()) blocks.push_back(block->values);
  }
  if (problem.points_free(point)) blocks.push_back(parameters_.point(point));
  if (!blocks.empty()) {
    ceres_.AddResidualBlock(cost.release(), loss_.get(), blocks);
    return;
  }
  double residual[2];
  if (!cost->Evaluate(nullptr, residual, nullptr)) throw std::invalid_argument("residual of fixed parameters is NaN");
  const double squared = residual[0] * residual[0] + residual[1] * residual[1];
  double rho[3] = {squared};
  if (loss_) loss_->Evaluate(squared, rho);
  fixed_cost_ += 0.5 * rho[0];
}

void Adjustment::choose_linear_solver(const Problem& problem, const std::string& wanted) {
  int num_points = 0, num_camera_params = 0;
  auto ordering = std::make_shared<ceres::ParameterBlockOrdering>();
  for (int p = 0; p < problem.num_points(); ++p) {
    if (!ceres_.HasParameterBlock(parameters_.point(p))) continue;
    ordering->AddElementToGroup(parameters_.point(p), 0);
    ++num_points;
  }
  for (Block* block : parameters_.blocks()) {
    if (!ceres_.HasParameterBlock(block->values)) continue;
    ordering->AddElementToGroup(block->values, 1);
    num_camera_params += block->size();
  }
  // Only cameras or only points: nothing to eliminate.
  if (num_points == 0 || num_camera_params == 0) {
    options_.linear_solver_type =
        num_points == 0 && num_camera_params <= 100 ? ceres::DENSE_NORMAL_CHOLESKY : ceres::SPARSE_NORMAL_CHOLESKY;
    return;
  }
  options_.linear_solver_ordering = ordering;
  if (wanted.empty()) {
    // Measured on the BAL files: dense wins up to some 200 cameras of 9 parameters; beyond some 700, exact steps cost
    // more than they bring, and on long streets they are rejected again and again.
    options_.linear_solver_type = num_camera_params <= 2000   ? ceres::DENSE_SCHUR
                                  : num_camera_params <= 6000 ? ceres::SPARSE_SCHUR
                                                              : ceres::ITERATIVE_SCHUR;
  } else {
    ceres::StringToLinearSolverType(wanted, &options_.linear_solver_type);
  }
  if (options_.linear_solver_type == ceres::ITERATIVE_SCHUR) {
    options_.preconditioner_type = ceres::SCHUR_JACOBI;
    options_.use_explicit_schur_complement = true;
    options_.eta = 0.01;  // with Ceres' 0.1, a problem with a full complement stops 3e-4 above its optimum
    // Ceres' 10^4 is nearly a Gauss-Newton step. From the rough start of a large problem it overshoots into a
    // worse valley, some points behind their cameras: a street of 1700 images ended 3e-3 too high with it; 1000 took
    // the same way, with 100 or less no early step is rejected. Damped steps need few conjugate gradients.
    options_.initial_trust_region_radius = 10;
  }
}

ceres::Solver::Summary Adjustment::run(ceres::IterationCallback* callback) {
  options_.callbacks = {callback};
  ceres::Solver::Summary summary;
  ceres::Solve(options_, &ceres_, &summary);
  return summary;
}

}  // namespace fastcv::ba
