from kedro.framework.project import find_pipelines


def register_pipelines():
    return find_pipelines()
