# Sourced by the job files, which SLURM runs from a copy elsewhere: goes to the repository and into its environment.
#
# IDF_ENVIRONMENT says how one enters the environment, if it is not .venv in the repository:
#     a folder of a venv       IDF_ENVIRONMENT=/shared/venvs/idf
#     a file to source         IDF_ENVIRONMENT=/shared/idf/environment.sh
#     commands                 IDF_ENVIRONMENT='module load python/3.11 && source /shared/venvs/idf/bin/activate'
#                              IDF_ENVIRONMENT='source /opt/conda/etc/profile.d/conda.sh && conda activate idf'
# IDF_COMMAND is the command that must be there then.

cd "${SLURM_SUBMIT_DIR:?submit this file with sbatch, from the repository}"
enter_environment() {
    local how="${IDF_ENVIRONMENT:-.venv}"
    set +eu # scripts of conda and of modules use names that are not set, and commands that fail
    if [ -f "$how/bin/activate" ]; then
        source "$how/bin/activate"
    elif [ -f "$how" ]; then
        source "$how"
    else
        eval "$how"
    fi
    set -eu
    command -v "${IDF_COMMAND:-torchrun}" >/dev/null && return
    echo "error: there is no ${IDF_COMMAND:-torchrun} after IDF_ENVIRONMENT=$how: make it a venv's folder, a file to source, or commands" >&2
    exit 1
}
enter_environment
export TOKENIZERS_PARALLELISM=false
# Nodes seldom have a network: a model of the hub is fetched before (docs/cluster.md). HF_HUB_OFFLINE=0 lets them ask.
export HF_HUB_OFFLINE="${HF_HUB_OFFLINE:-1}" OMP_NUM_THREADS="${OMP_NUM_THREADS:-${SLURM_CPUS_PER_GPU:-8}}"
