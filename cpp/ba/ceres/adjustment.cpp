// SPDX-License-Identifier: Apache-2.0
// Builds the Ceres problem and chooses Ceres' options.
#include "ba/ceres/adjustment.h"

#include <ceres/types.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "ba/ceres/cost.h"
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

template <int D>
PriorRows<D> rows_of(const generic::ba::PriorTerm<D>& term) {
  PriorRows<D> rows{};
  std::copy_n(term.residual, D, rows.residual);
  for (int r = 0; r < D; ++r) std::copy_n(term.jacobian[r], D, rows.jacobian[r]);
  return rows;
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
  for (const Block* block : parameters_.blocks_of(image)) {
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
void Adjustment::add_prior(std::vector<PriorPart> parts, ceres::LossFunction* loss,
                           std::function<PriorRows<D>()> rows) {
  std::erase_if(parts, [](const PriorPart& part) {
    return std::none_of(part.block->columns.begin(), part.block->columns.end(), [&](int c) { return part.has(c); });
  });
  std::vector<double*> blocks;
  for (const PriorPart& part : parts) blocks.push_back(part.block->values);
  add(std::make_unique<PriorCost<D>>(parameters_, std::move(rows), std::move(parts)), loss, blocks);
}

template <int D>
void Adjustment::add_image_prior(int image, int first, ceres::LossFunction* loss,
                                 std::function<generic::ba::PriorTerm<D>(const double*)> term) {
  constexpr int kPose = generic::ba::kPoseSize;
  const Block &frame = parameters_.frame_block(image), &sensor = parameters_.sensor_block(image);
  add_prior<D>({{&frame, 0, kPose, 0}, {&sensor, 0, kPose, kPose}}, loss,
               [&at = parameters_, image, first, term = std::move(term)] {
                 const generic::ba::PriorTerm<D> here = term(at.cam_from_world(image));
                 PriorRows<D> rows{};
                 std::copy_n(here.residual, D, rows.residual);
                 for (int r = 0; r < D; ++r) {
                   double by_pose[kPose] = {};
                   std::copy_n(here.jacobian[r], D, by_pose + first);
                   at.by_blocks(image, by_pose, rows.jacobian[r], rows.jacobian[r] + kPose);
                 }
                 return rows;
               });
}

void Adjustment::add_priors(const Problem& problem) {
  const Priors &poses = problem.pose_priors, &positions = problem.position_priors;
  for (std::int64_t i = 0; i < poses.size(); ++i) {
    add_image_prior<6>(poses.rows(i), 0, pose_loss_.get(),
                       [value = row(poses.values, i), whitening = row(poses.whitening, i)](const double* pose) {
                         return generic::ba::pose_prior(pose, value.data(), whitening.data());
                       });
  }
  for (std::int64_t i = 0; i < positions.size(); ++i) {
    add_image_prior<3>(positions.rows(i), 3, position_loss_.get(),
                       [value = row(positions.values, i), whitening = row(positions.whitening, i)](const double* pose) {
                         return generic::ba::position_prior(pose, value.data(), whitening.data());
                       });
  }
  add_point_priors(problem);
  add_params_priors(problem.params_priors);
}

void Adjustment::add_point_priors(const Problem& problem) {
  const Priors& points = problem.point_priors;
  for (std::int64_t i = 0; i < points.size(); ++i) {
    const int point = points.rows(i);
    Block& block = point_blocks_.emplace_back();
    if (problem.points_free(point)) block = {{0, 1, 2}, parameters_.point(point)};
    add_prior<3>({{&block, 0, 3, 0}}, point_loss_.get(),
                 [&at = parameters_, point, value = row(points.values, i), whitening = row(points.whitening, i)] {
                   return rows_of(generic::ba::difference_prior<3>(at.point(point), value.data(), whitening.data()));
                 });
  }
}

void Adjustment::add_params_priors(const ParamsPriors& priors) {
  for (std::int64_t i = 0; i < priors.size(); ++i) {
    const int image = priors.images(i), index = priors.indices(i), column = generic::ba::kPoseSize + index;
    const Block &frame = parameters_.frame_block(image), &camera = parameters_.camera_block(image);
    add_prior<1>({{&frame, column, column + 1, 0}, {&camera, column, column + 1, 0}}, nullptr,
                 [&at = parameters_, image, index, value = priors.values(i), weight = priors.weights(i)] {
                   return rows_of(generic::ba::difference_prior<1>(at.params(image) + index, &value, &weight));
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
    reason_ = "nothing to eliminate";
    return;
  }
  options_.linear_solver_ordering = ordering;
  if (wanted.empty()) {
    reason_ = std::to_string(num_camera_params) + " unknowns of images and cameras";
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
