"""A contract that import-linter does not bring: these modules import each other, a named few, and nothing else."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """Hold `source_modules`, with all below them, to importing each other and `allowed_modules` directly."""

    type_name = "only"

    source_modules = fields.SetField(subfield=fields.ModuleField())
    allowed_modules = fields.SetField(subfield=fields.ModuleField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return every import by a source that leads anywhere else."""
        named = {module.name for module in self.source_modules}
        missing = named - graph.modules
        sources = named | {below for name in named - missing for below in graph.find_descendants(name)}
        allowed = sources | {module.name for module in self.allowed_modules}
        broken = [
            (source, imported)
            for source in sorted(sources - missing)
            for imported in sorted(graph.find_modules_directly_imported_by(source) - allowed)
        ]
        return ContractCheck(kept=not (broken or missing), metadata={"broken": broken, "missing": sorted(missing)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each import too many."""
        for source, imported in check.metadata["broken"]:
            output.print_error(f"{source} -> {imported}", bold=False)
        for name in check.metadata["missing"]:
            output.print_error(f"{name} does not exist: correct the contract", bold=False)
