// SPDX-License-Identifier: Apache-2.0
// Builds the Ceres problem and chooses Ceres' options.
#include "ba/ceres/adjustment.h"

#include <ceres/types.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "ba/ceres/cost.h"
#include "ba/ceres/prior_cost.h"
#include "core/interrupt.h"

namespace fastcv::ba {
namespace {

class RobustCost final : public ceres::LossFunction {
 public:
  explicit RobustCost(const RobustLoss& loss) : loss_(loss) {}
  void Evaluate(double s, double rho[3]) const override {
    const generic::ba::RhoDerivatives d = generic::ba::robust_loss(loss_, s);
    rho[0] = d.rho;
    rho[1] = d.first;
    rho[2] = d.second;
  }

 private:
  const RobustLoss loss_;
};

std::unique_ptr<ceres::LossFunction> make_loss(const RobustLoss& loss) {
  if (loss.loss == Loss::none) return nullptr;
  return std::make_unique<RobustCost>(loss);
}

// A row of an array, for terms to keep: the problem's own memory is the caller's.
template <int Rank>
std::vector<double> row(const View<const double, Rank>& array, std::int64_t i) {
  const std::int64_t size = array.size() / array.shape[0];
  return {array.data + i * size, array.data + (i + 1) * size};
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
    : parameters_(problem),
      loss_(make_loss({options.loss, options.loss_scale * options.loss_scale})),
      pose_loss_(make_loss(problem.pose_priors.loss)),
      position_loss_(make_loss(problem.position_priors.loss)),
      point_loss_(make_loss(problem.point_priors.loss)),
      ceres_(problem_options(&parameters_)) {
  for (std::int64_t k = 0; k < problem.num_observations(); ++k) {
    if (k % 1024 == 0) poll_interrupt();
    add(problem, k);
  }
  add_priors(problem);
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
  add(std::move(cost), loss_.get(), blocks);
}

// Without blocks it is a constant part of the cost.
void Adjustment::add(std::unique_ptr<ceres::CostFunction> cost, ceres::LossFunction* loss,
                     const std::vector<double*>& blocks) {
  if (!blocks.empty()) {
    ceres_.AddResidualBlock(cost.release(), loss, blocks);
    return;
  }
  std::vector<double> residual(cost->num_residuals());
  if (!cost->Evaluate(nullptr, residual.data(), nullptr)) {
    throw std::invalid_argument("residual of fixed parameters is NaN");
  }
  const double squared = std::inner_product(residual.begin(), residual.end(), residual.begin(), 0.0);
  double rho[3] = {squared};
  if (loss) loss->Evaluate(squared, rho);
  fixed_cost_ += 0.5 * rho[0];
}

template <int D>
void Adjustment::add_prior(const Block& block, int first_column, ceres::LossFunction* loss,
                           std::function<generic::ba::PriorTerm<D>()> term) {
  std::vector<int> columns;
  bool touches = false;
  for (const int column : block.columns) {
    const int own = column - first_column;
    columns.push_back(own >= 0 && own < D ? own : -1);
    touches = touches || columns.back() >= 0;
  }
  if (!touches) columns.clear();
  std::vector<double*> blocks;
  if (touches) blocks.push_back(block.values);
  add(std::make_unique<PriorCost<D>>(parameters_, std::move(term), std::move(columns)), loss, blocks);
}

void Adjustment::add_priors(const Problem& problem) {
  const Parameters& at = parameters_;
  const Priors &poses = problem.pose_priors, &positions = problem.position_priors, &points = problem.point_priors;
  for (std::int64_t i = 0; i < poses.size(); ++i) {
    const int image = poses.rows(i);
    add_prior<6>(parameters_.image_block(image), 0, pose_loss_.get(),
                 [&at, image, value = row(poses.values, i), whitening = row(poses.whitening, i)] {
                   auto term = generic::ba::pose_prior(at.cam_from_world(image), value.data(), whitening.data());
                   for (auto& derivatives : term.jacobian) at.by_block(image, derivatives);
                   return term;
                 });
  }
  for (std::int64_t i = 0; i < positions.size(); ++i) {
    const int image = positions.rows(i);
    add_prior<3>(parameters_.image_block(image), 3, position_loss_.get(),
                 [&at, image, value = row(positions.values, i), whitening = row(positions.whitening, i)] {
                   return generic::ba::position_prior(at.cam_from_world(image), value.data(), whitening.data());
                 });
  }
  for (std::int64_t i = 0; i < points.size(); ++i) {
    const int point = points.rows(i);
    Block block;
    if (problem.points_free(point)) block = {{0, 1, 2}, parameters_.point(point)};
    add_prior<3>(block, 0, point_loss_.get(),
                 [&at, point, value = row(points.values, i), whitening = row(points.whitening, i)] {
                   return generic::ba::difference_prior<3>(at.point(point), value.data(), whitening.data());
                 });
  }
  add_params_priors(problem.params_priors);
}

void Adjustment::add_params_priors(const ParamsPriors& priors) {
  for (std::int64_t i = 0; i < priors.size(); ++i) {
    const int image = priors.images(i), index = priors.indices(i);
    const Block& shared = parameters_.camera_block(image);
    add_prior<1>(shared.empty() ? parameters_.image_block(image) : shared, generic::ba::kPoseSize + index, nullptr,
                 [&at = parameters_, image, index, value = priors.values(i), weight = priors.weights(i)] {
                   return generic::ba::difference_prior<1>(at.params(image) + index, &value, &weight);
                 });
  }
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
